"""REST APIs of API Gateway."""

import json
import re
from collections.abc import Mapping
from typing import Any

# https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-gatewayResponse-definition.html
_VARIABLE = re.compile(r"\$context((?:\.[A-Za-z_][A-Za-z0-9_]*)+)")
_RESPONSES = "x-amazon-apigateway-gateway-responses"


def pass_bodies_on_as_sent() -> None:
    """LocalStack takes a body that is labelled a form apart, and makes another text of it, whatever it holds.

    API Gateway does not look at it.
    """
    from localstack.services.apigateway.next_gen.execute_api.handlers import parse  # noqa: PLC0415

    def body(request: Any) -> bytes:
        sent: bytes = b"" if request.shallow else request.get_data()
        return sent

    parse.restore_payload = body  # type: ignore[attr-defined]


def import_gateway_responses() -> None:
    """LocalStack passes over the gateway responses of an OpenAPI document, where SAM puts those of a template."""
    from localstack.aws.api.apigateway import PutMode  # noqa: PLC0415
    from localstack.services.apigateway.legacy import provider  # noqa: PLC0415
    from localstack.services.apigateway.models import RestApiContainer  # noqa: PLC0415
    from localstack.services.apigateway.next_gen.execute_api.gateway_response import (  # noqa: PLC0415
        build_gateway_response,
    )

    import_api: Any = provider.import_api_from_openapi_spec  # type: ignore[attr-defined]

    def import_all_of_it(rest_api: Any, context: Any, open_api_spec: dict[str, Any], **more: Any) -> Any:
        imported = import_api(rest_api, context=context, open_api_spec=open_api_spec, **more)
        store = provider.get_apigateway_store(context=context)  # type: ignore[attr-defined]
        container: RestApiContainer = store.rest_apis[rest_api.id]
        if more.get("mode") == PutMode.overwrite:
            container.gateway_responses = {}
        for kind, given in (open_api_spec.get(_RESPONSES) or {}).items():
            told: dict[str, Any] = {
                "response_parameters": given.get("responseParameters"),
                "response_templates": given.get("responseTemplates"),
            }
            if "statusCode" in given:
                told["status_code"] = str(given["statusCode"])
            container.gateway_responses[kind] = build_gateway_response(kind, **told, default_response=False)
        return imported

    provider.import_api_from_openapi_spec = import_all_of_it  # type: ignore[attr-defined, assignment]


def fill_in_gateway_responses() -> None:
    """LocalStack takes the status of a gateway response, and leaves its template alone."""
    from localstack.services.apigateway.next_gen.execute_api.handlers import gateway_exception  # noqa: PLC0415

    handler = gateway_exception.GatewayExceptionHandler
    create = handler.create_exception_response

    def create_by_template(self: Any, exception: Any, context: Any) -> Any:
        response = create(self, exception, context)
        own = context.deployment.rest_api.gateway_responses.get(exception.type) or {}
        template = (own.get("responseTemplates") or {}).get("application/json")
        if template:
            response.set_data(_filled_in(template, context.context_variables))
        return response

    handler.create_exception_response = create_by_template  # type: ignore[method-assign]


def _filled_in(template: str, variables: Mapping[str, Any]) -> str:
    """A template with what its variables stand for, nothing where there is none."""

    def value(match: re.Match[str]) -> str:
        found: Any = variables
        for name in match[1].split(".")[1:]:
            found = found.get(name) if isinstance(found, Mapping) else None
        # The one that API Gateway quotes.
        if match[1] == ".error.messageString":
            return json.dumps(found)
        return "" if found is None else found if isinstance(found, str) else json.dumps(found)

    return _VARIABLE.sub(value, template)


def keep_the_source_of_api_keys() -> None:
    """LocalStack reads a property that there is not, so in a template it is always the header that says the API key."""
    from localstack.services.apigateway.resource_providers.aws_apigateway_restapi import (  # noqa: PLC0415
        ApiGatewayRestApiProvider,
    )

    create = ApiGatewayRestApiProvider.create

    def create_with_source(self: Any, request: Any) -> Any:
        created: Any = create(self, request)
        if source := request.desired_state.get("ApiKeySourceType"):
            replaced = {"op": "replace", "path": "/apiKeySource", "value": source}
            gateway = request.aws_client_factory.apigateway
            gateway.update_rest_api(restApiId=created.resource_model["RestApiId"], patchOperations=[replaced])
        return created

    ApiGatewayRestApiProvider.create = create_with_source  # type: ignore[method-assign]
