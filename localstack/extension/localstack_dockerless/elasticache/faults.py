"""What the ElastiCache API answers when it refuses."""

from localstack.aws.api import CommonServiceException


def fault(code: str, message: str, status_code: int = 400) -> CommonServiceException:
    return CommonServiceException(code, message, status_code=status_code, sender_fault=True)
