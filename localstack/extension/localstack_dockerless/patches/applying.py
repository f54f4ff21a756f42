"""The patches, one after the other.

They are written for exactly one version of LocalStack; on another one none is applied, with a warning.
"""

import logging

from localstack.constants import VERSION

from localstack_dockerless.patches import functions, host, rest_apis, stacks

WRITTEN_FOR = "2026.3.0"

LOG = logging.getLogger(__name__)


def fits() -> bool:
    """Whether this is the LocalStack that the patches, and whatever else uses its inner parts, are written for."""
    return VERSION == WRITTEN_FOR


def apply_all() -> None:
    if not fits():
        LOG.warning("localstack-dockerless is written for LocalStack %s, this is %s: not patched", WRITTEN_FOR, VERSION)
        return
    functions.aggregate_lambda_metrics()
    host.know_kinesis_mock()
    functions.forget_old_log_events()
    functions.describe_log_groups_without_their_events()
    functions.store_function_logs_directly()
    functions.limit_lambda_requests()
    stacks.know_provided_resource_types()
    stacks.implement_missing_updates()
    stacks.replace_only_what_differs()
    stacks.report_failed_deployments()
    host.keep_the_catalog_offline()
    stacks.create_as_described()
    host.tether_helper_processes()
    functions.wait_for_queue_messages()
    rest_apis.pass_bodies_on_as_sent()
    rest_apis.import_gateway_responses()
    rest_apis.fill_in_gateway_responses()
    rest_apis.keep_the_source_of_api_keys()
    host.keep_objects_in_the_data_folder()
    host.listen_only_where_told()
