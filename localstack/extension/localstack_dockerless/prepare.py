"""`python -m localstack_dockerless.prepare`: what LocalStack would otherwise do at each first use, once for all.

- kinesis-mock, an npm package, is downloaded by LocalStack's own installer;
- the catalog by which LocalStack tells a request's service is built. To build it LocalStack reads the models of all
  services of AWS, which then stay in its memory: 330 MB.
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
        sys.stdout.write(f"service catalog: {_build_service_catalog(packages)}\n")


def _install_kinesis_mock() -> Path:
    # Imported here because LocalStack reads its environment when it is imported.
    from localstack.packages import InstallTarget  # noqa: PLC0415
    from localstack.services.kinesis.packages import kinesismock_package  # noqa: PLC0415

    installer = kinesismock_package.get_installer()
    installer.install(InstallTarget.STATIC_LIBS)
    return Path(str(installer.get_executable_path())).resolve()


def _build_service_catalog(packages: Path) -> Path:
    """LocalStack looks for it among its preinstalled programs, under a name that has its own and botocore's version."""
    from localstack.aws import spec  # noqa: PLC0415

    catalog = packages / str(spec._get_catalog_filename())  # type: ignore[no-untyped-call]
    if not catalog.exists():
        unfinished = catalog.with_suffix(f".{os.getpid()}")
        spec.build_service_index_cache(str(unfinished))
        unfinished.replace(catalog)
    return catalog


if __name__ == "__main__":
    main()
