//! UpdateFeatures: at which level the cluster works (KIP-584).

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use base::Str;
use wire::ErrorCode;
use wire::messages::update_features::{FeatureUpdateKey, UpdateFeaturesRequest, UpdateFeaturesResponse};

use super::{ApiError, Command, Controller, Moment, Outcome};
use crate::record::{FeatureLevelRecord, Record};

/// Kafka's numbers of the ways to change a level.
const UPGRADE: i8 = 1;
const UNSAFE_DOWNGRADE: i8 = 3;

impl Command for UpdateFeaturesRequest {
    type Answer = UpdateFeaturesResponse;

    fn decide(&self, controller: &Controller, _at: Moment) -> Outcome<UpdateFeaturesResponse> {
        let mut records: Vec<Record> = Vec::new();
        for update in &self.feature_updates {
            match controller.update_feature(update) {
                Ok(level) if level == controller.image.feature(&update.feature) => {}
                Ok(level) => {
                    records.push(FeatureLevelRecord { name: update.feature.detached(), level }.into())
                }
                Err(error) => {
                    let why = error.message.unwrap_or_default();
                    let message = format!(
                        "The update failed for all features since the following feature had an error: {why}"
                    );
                    let error_message = Some(Str::from(message));
                    let answer = UpdateFeaturesResponse {
                        error_code: error.code,
                        error_message,
                        ..Default::default()
                    };
                    return Outcome::only(answer);
                }
            }
        }
        if self.validate_only {
            records.clear();
        }
        Outcome { records, answer: UpdateFeaturesResponse { error_message: None, ..Default::default() } }
    }
}

impl Controller {
    /// The level that the feature will have.
    fn update_feature(&self, update: &FeatureUpdateKey) -> Result<i16, ApiError> {
        let (name, level) = (&update.feature, update.max_version_level);
        let refuse = |why: String| {
            let message = format!("Invalid update version {level} for feature {name}. {why}");
            Err(ApiError::new(ErrorCode::INVALID_UPDATE_VERSION, message))
        };
        if !(UPGRADE..=UNSAFE_DOWNGRADE).contains(&update.upgrade_type) {
            return refuse("The controller does not support the given upgrade type.".into());
        }
        if level < 0 {
            return refuse("A feature version cannot be less than 0.".into());
        }
        if let Err(why) = self.supports(name, level) {
            return refuse(why);
        }
        let current = self.image.feature(name);
        let is_upgrade = update.upgrade_type == UPGRADE;
        if level < current && is_upgrade {
            return refuse("Can't downgrade the version of this feature without setting the upgrade type to either safe or unsafe downgrade.".into());
        }
        if level > current && !is_upgrade {
            return refuse("Can't downgrade to a newer version.".into());
        }
        Ok(level)
    }

    /// Whether this controller and every broker can work at the level.
    fn supports(&self, name: &Str, level: i16) -> Result<(), String> {
        let node = self.settings.node_id;
        let Some(range) = self.settings.features.iter().find(|range| range.name == *name) else {
            return Err(match level {
                0 => format!("Feature {name} not found."),
                _ => format!("Local controller {node} does not support this feature."),
            });
        };
        if !(range.min..=range.max).contains(&level) {
            let (min, max) = (range.min, range.max);
            return Err(format!("Local controller {node} only supports versions {min}-{max}"));
        }
        for broker in self.image.brokers().values().filter(|_| level > 0) {
            match broker.features.iter().find(|range| range.name == *name) {
                None => return Err(format!("Broker {} does not support this feature.", broker.id)),
                Some(range) if !(range.min..=range.max).contains(&level) => {
                    let (id, min, max) = (broker.id, range.min, range.max);
                    return Err(format!("Broker {id} only supports versions {min}-{max}"));
                }
                Some(_) => {}
            }
        }
        Ok(())
    }
}
