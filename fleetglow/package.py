"""The stack's code, built by SAM and uploaded: the template that CloudFormation can then deploy.

SAM takes seconds to do nothing, so a fingerprint of everything that goes in tells whether it has anything to do.
"""

import hashlib
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
from botocore.exceptions import ClientError

from fleetglow import aws
from fleetglow.errors import DeployFailed
from fleetglow.instance import PROJECT_ROOT, Instance

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

SAM = PROJECT_ROOT / ".local" / "sam" / "bin" / "sam"
INPUTS = (
    "template.yaml",
    "samconfig.toml",
    "infra",
    "functions",
    "requirements/Makefile",
    "requirements/functions.txt",
)


def fingerprint(root: Path = PROJECT_ROOT) -> str:
    """A hash of the names and contents of everything that the deployed stack is made from."""
    digest = hashlib.sha256()
    for name in INPUTS:
        path = root / name
        files = sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]
        for file in files:
            if "__pycache__" not in file.parts:
                contents = file.read_bytes()
                digest.update(f"{file.relative_to(root)}\0{len(contents)}\0".encode())
                digest.update(contents)
    return digest.hexdigest()


def build(instance: Instance, wanted: str) -> None:
    """`sam build` into the instance's home, unless what is there has the wanted fingerprint.

    Raises DeployFailed with SAM's reason.
    """
    stamp = instance.home / "build.fingerprint"
    if stamp.exists() and stamp.read_text() == wanted:
        return
    stamp.unlink(missing_ok=True)
    _sam(
        instance,
        "build",
        *("--template-file", str(PROJECT_ROOT / "template.yaml"), "--base-dir", str(PROJECT_ROOT)),
        *("--build-dir", str(_build_dir(instance)), "--cache-dir", str(instance.home / "build-cache")),
        "--cached",
    )
    stamp.write_text(wanted)


def upload(instance: Instance, endpoint_url: str, wanted: str) -> str:
    """The URL of the template whose code has been uploaded to LocalStack, uploading what is not there yet.

    Raises DeployFailed with SAM's reason.
    """
    s3 = boto3.client("s3", **aws.local(endpoint_url))
    # LocalStacks on one machine keep their objects in one folder, where a bucket's name must not be used by two.
    bucket = f"fleetglow-{hashlib.sha256(f'{instance.home} {endpoint_url}'.encode()).hexdigest()[:12]}"
    key = f"{wanted}.yaml"
    if not _has(s3, bucket, key):
        packaged = instance.home / "packaged.yaml"
        _sam(
            instance,
            "package",
            *("--template-file", str(_build_dir(instance) / "template.yaml")),
            *("--s3-bucket", bucket, "--output-template-file", str(packaged)),
            endpoint_url=endpoint_url,
        )
        s3.put_object(Bucket=bucket, Key=key, Body=packaged.read_bytes())
    return f"{endpoint_url}/{bucket}/{key}"


def _build_dir(instance: Instance) -> Path:
    return instance.home / "build"


def _has(s3: "S3Client", bucket: str, key: str) -> bool:
    s3.create_bucket(Bucket=bucket)
    try:
        s3.head_object(Bucket=bucket, Key=key)
    except ClientError as error:
        if error.response["Error"]["Code"] in {"404", "NoSuchKey"}:
            return False
        raise
    return True


def _sam(instance: Instance, command: str, *options: str, endpoint_url: str | None = None) -> None:
    if not SAM.exists():
        raise DeployFailed(f"{SAM} is missing: set up with `make setup`")
    instance.make_home()
    # The layer's build looks for python3.13 with pip: the one that runs this.
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    home = os.environ.get("HOME", "")
    environment = {
        **os.environ,
        # SAM keeps a folder in the user's home, which need not be there or writable.
        "HOME": home if os.access(home, os.W_OK) else str(instance.home),
        **(aws.environment(endpoint_url) if endpoint_url else {"AWS_DEFAULT_REGION": aws.REGION}),
        "PATH": path,
        "SAM_CLI_TELEMETRY": "0",
    }
    # `sam package` leaves an empty folder there for each function.
    with tempfile.TemporaryDirectory(prefix="fleetglow-sam-") as temporary:
        done = subprocess.run(
            [str(SAM), command, *options],
            cwd=PROJECT_ROOT,
            env=environment | {"TMPDIR": temporary},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode:
        lines = [line.strip() for line in (done.stdout + done.stderr).splitlines() if line.strip()]
        (instance.home / "sam.log").write_text("\n".join(lines) + "\n")
        reason = next((line for line in reversed(lines) if "rror" in line), lines[-1] if lines else "no output")
        raise DeployFailed(f"sam {command}: {reason} (all of it: {instance.home / 'sam.log'})")
