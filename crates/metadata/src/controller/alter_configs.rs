//! AlterConfigs, the older way: the configs given replace all that were set.

use alloc::collections::BTreeSet;
use alloc::format;
use alloc::vec::Vec;

use base::Str;
use wire::messages::alter_configs::{
    AlterConfigsRequest, AlterConfigsResource, AlterConfigsResourceResponse, AlterConfigsResponse,
};

use super::config_changes::check_nulls;
use super::{ApiError, Command, Controller, Moment, Outcome};
use crate::image::{ConfigResource, ResourceType};
use crate::map::Map;
use crate::record::Record;

impl Command for AlterConfigsRequest {
    type Answer = AlterConfigsResponse;

    fn decide(&self, controller: &Controller, _at: Moment) -> Outcome<AlterConfigsResponse> {
        let (mut records, mut responses) = (Vec::new(), Vec::new());
        let mut seen = BTreeSet::new();
        for resource in &self.resources {
            let altered = if !seen.insert((resource.resource_type, &resource.resource_name)) {
                Err(ApiError::invalid_request("Each resource must appear at most once."))
            } else {
                controller.replace_configs(resource)
            };
            let (error_code, error_message) =
                ApiError::pair(&altered.as_ref().map(drop).map_err(Clone::clone));
            records.extend(altered.into_iter().flatten());
            let (resource_type, resource_name) = (resource.resource_type, resource.resource_name.clone());
            responses.push(AlterConfigsResourceResponse {
                error_code,
                error_message,
                resource_type,
                resource_name,
            });
        }
        if self.validate_only {
            records.clear();
        }
        Outcome { records, answer: AlterConfigsResponse { responses, ..Default::default() } }
    }
}

impl Controller {
    fn replace_configs(&self, asked: &AlterConfigsResource) -> Result<Vec<Record>, ApiError> {
        let resource =
            ConfigResource { kind: ResourceType(asked.resource_type), name: asked.resource_name.detached() };
        check_nulls(asked.configs.iter().filter(|config| config.value.is_none()).map(|config| &config.name))?;
        let mut after = Map::new();
        for config in &asked.configs {
            let value = config.value.as_ref().map(Str::detached).unwrap_or_default();
            if after.insert(config.name.detached(), value).is_some() {
                let message = format!("Duplicate config key {}", config.name);
                return Err(ApiError::invalid_request(message));
            }
        }
        let before = self.image.configs(&resource).cloned().unwrap_or_default();
        self.check_configs(&resource, &before, &after)?;
        self.check_one_min_isr(&resource, &before, &after)?;
        Ok(self.config_records(&resource, &before, &after))
    }
}
