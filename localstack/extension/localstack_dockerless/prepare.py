"""`python -m localstack_dockerless.prepare`: download what LocalStack would otherwise download at first use.

That is kinesis-mock, an npm package, installed by LocalStack's own installer.
"""

import os
import sys
import tempfile
from pathlib import Path

from localstack_dockerless.start import DEFAULT_PORT, localstack_environment, packages_dir, prepare_data_dir


def main() -> None:
    packages = packages_dir(os.environ)
    packages.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        data_dir = Path(folder)
        os.environ.update(localstack_environment({**os.environ, "FILESYSTEM_ROOT": folder}, DEFAULT_PORT, data_dir))
        prepare_data_dir(data_dir, packages)
        sys.stdout.write(f"kinesis-mock: {_install_kinesis_mock()}\n")


def _install_kinesis_mock() -> Path:
    # Imported here because LocalStack reads its environment when it is imported.
    from localstack.packages import InstallTarget  # noqa: PLC0415
    from localstack.services.kinesis.packages import kinesismock_package  # noqa: PLC0415

    installer = kinesismock_package.get_installer()
    installer.install(InstallTarget.STATIC_LIBS)
    return Path(str(installer.get_executable_path())).resolve()


if __name__ == "__main__":
    main()
