"""An intruder that shares no code with the robot: zenoh's own Python package, and certificates made here.

Usage: intruder.py ENDPOINT KEYS SCRATCH PREFIX. Tries to command the robot in every way it knows, each with a
name of its own as payload, and prints one JSON line a way: {"way": ..., "connected": ..., "put": n}.
"""

import datetime
import ipaddress
import json
import pathlib
import sys

import zenoh
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID


def make(folder, name, common_name, issuer=None, ca=False, from_days=-1, until_days=30):
    """Writes name.pem and name.key; returns certificate and key. Without issuer it signs itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    now = datetime.datetime.now(datetime.timezone.utc)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer[0].subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + datetime.timedelta(days=from_days))
        .not_valid_after(now + datetime.timedelta(days=until_days))
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
    )
    if not ca:
        addresses = [x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
        usages = [ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH]
        builder = builder.add_extension(x509.SubjectAlternativeName(addresses), critical=False)
        builder = builder.add_extension(x509.ExtendedKeyUsage(usages), critical=False)
    certificate = builder.sign(issuer[1] if issuer else key, hashes.SHA256())
    (folder / f"{name}.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (folder / f"{name}.key").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return certificate, key


def knock(endpoint, ca, certificate, key, mode):
    """A session, or None where it is refused."""
    config = zenoh.Config()
    settings = {
        "mode": mode,
        "connect/endpoints": [endpoint],
        "listen/endpoints": [],
        "scouting/multicast/enabled": False,
        "connect/timeout_ms": 1500,
        "connect/exit_on_failure": True,
    }
    if ca:
        settings["transport/link/tls/root_ca_certificate"] = str(ca)
    if certificate:
        settings["transport/link/tls/enable_mtls"] = True
        settings["transport/link/tls/connect_certificate"] = str(certificate)
        settings["transport/link/tls/connect_private_key"] = str(key)
    for name, value in settings.items():
        config.insert_json5(name, json.dumps(value))
    try:
        return zenoh.open(config)
    except zenoh.ZError:
        return None


def main():
    endpoint, keys, scratch, prefix = sys.argv[1:]
    keys, scratch = pathlib.Path(keys), pathlib.Path(scratch)
    ours = keys / "ca.pem"
    robot = prefix.split("/")[-1]
    right_name = f"runtime@{robot}"
    ca_key = serialization.load_pem_private_key((keys / "authority/ca.key").read_bytes(), None)
    authority = (x509.load_pem_x509_certificate(ours.read_bytes()), ca_key)
    other = make(scratch, "other-ca", f"authority@{robot}", ca=True)
    make(scratch, "self", right_name)
    make(scratch, "of-other", right_name, issuer=other)
    make(scratch, "expired", right_name, issuer=authority, from_days=-9, until_days=-1)
    make(scratch, "rogue", "rogue", issuer=authority)
    make(scratch, "elsewhere", "runtime@elsewhere", issuer=authority)

    def pair(folder, name):
        return folder / f"{name}.pem", folder / f"{name}.key"

    plain = endpoint.replace("tls/", "tcp/")
    ways = [
        ("right", endpoint, ours, *pair(keys, "runtime")),
        ("viewer", endpoint, ours, *pair(keys, "viewer")),
        ("operator", endpoint, ours, *pair(keys, "operator")),
        ("rogue", endpoint, ours, *pair(scratch, "rogue")),
        ("elsewhere", endpoint, ours, *pair(scratch, "elsewhere")),
        ("self", endpoint, ours, *pair(scratch, "self")),
        ("of-other", endpoint, ours, *pair(scratch, "of-other")),
        ("expired", endpoint, ours, *pair(scratch, "expired")),
        ("nobody", endpoint, ours, None, None),
        ("plain", plain, None, None, None),
    ]
    for way, where, ca, certificate, key in ways:
        for mode in ("client", "peer"):
            session = knock(where, ca, certificate, key, mode)
            put = 0
            if session is not None:
                for n in range(10):
                    session.put(
                        f"{prefix}/command/10000001",
                        f"{way} {mode} {n}",
                        congestion_control=zenoh.CongestionControl.BLOCK,
                    )
                    put += 1
                session.close()
            line = {"way": way, "mode": mode, "connected": session is not None, "put": put}
            print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
