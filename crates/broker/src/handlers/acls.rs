//! DescribeAcls (29), CreateAcls (30), DeleteAcls (31), versions 1–3: answered as Kafka does that has no authorizer.

use wire::ErrorCode;
use wire::messages::create_acls::{AclCreationResult, CreateAclsRequest, CreateAclsResponse};
use wire::messages::delete_acls::{DeleteAclsFilterResult, DeleteAclsRequest, DeleteAclsResponse};
use wire::messages::describe_acls::{DescribeAclsRequest, DescribeAclsResponse};

use crate::request::RequestContext;

const CODE: ErrorCode = ErrorCode::SECURITY_DISABLED;

/// There are none.
pub(crate) async fn describe(_ctx: &RequestContext, _request: DescribeAclsRequest) -> DescribeAclsResponse {
    let error_message = Some("No Authorizer is configured on the broker".into());
    DescribeAclsResponse { error_code: CODE, error_message, ..Default::default() }
}

/// None can be made.
pub(crate) async fn create(_ctx: &RequestContext, request: CreateAclsRequest) -> CreateAclsResponse {
    let refused = |_| AclCreationResult {
        error_code: CODE,
        error_message: Some("No Authorizer is configured.".into()),
    };
    CreateAclsResponse { results: request.creations.iter().map(refused).collect(), ..Default::default() }
}

/// None can be removed.
pub(crate) async fn delete(_ctx: &RequestContext, request: DeleteAclsRequest) -> DeleteAclsResponse {
    let refused = |_| DeleteAclsFilterResult {
        error_code: CODE,
        error_message: Some("No Authorizer is configured.".into()),
        ..Default::default()
    };
    DeleteAclsResponse { filter_results: request.filters.iter().map(refused).collect(), ..Default::default() }
}
