"""A real Apache Kafka that asks who you are: SCRAM and PLAIN over TLS, and certificates.

Everybody is one of eight roles, by whatever means they prove it, and may do what ACLs
say; only on the plaintext listener everything is allowed.
"""

from pathlib import Path

from confluent_kafka.admin import AclBinding, AdminClient
from tests.kafka.broker import Broker
from tests.kafka.certificates import KEY_PASSWORD, make_ca, make_certificate

ROLES = ("operator", "publisher", "worker", "producer", "analyst", "repairer", "pager", "history")
_PROPERTIES = {
    "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
    "super.users": "User:ANONYMOUS",
    "ssl.keystore.type": "PEM",
    "ssl.truststore.type": "PEM",
    "listener.name.ssl.ssl.client.auth": "required",
    "listener.name.ssl.ssl.principal.mapping.rules": "RULE:^CN=(.*)$/$1/",
    "listener.name.sasl_ssl.sasl.enabled.mechanisms": "SCRAM-SHA-512,PLAIN",
    "listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config": (
        "org.apache.kafka.common.security.scram.ScramLoginModule required;"
    ),
}
WAYS = ("scram-sha-512", "plain", "ssl")


def password(role: str) -> str:
    """The password of a role."""
    return f"{role}-says-friend"


class SecureBroker(Broker):
    """A broker and the credentials for it; ``environment`` has them as settings."""

    def __init__(self, folder: Path) -> None:
        self._folder_of_keys = folder
        self._ca = make_ca(folder, "ca")
        certificate, key = make_certificate(self._ca, "broker")
        keystore = folder / "keystore.pem"
        keystore.write_text(key.read_text() + certificate.read_text())
        self._client_keys = {role: make_certificate(self._ca, role, KEY_PASSWORD) for role in ROLES}
        passwords = {role: password(role) for role in ROLES}
        users = " ".join(f'user_{role}="{secret}"' for role, secret in passwords.items())
        super().__init__(
            ["SSL", "SASL_SSL"],
            _PROPERTIES
            | {
                "ssl.keystore.location": str(keystore),
                "ssl.truststore.location": str(self._ca),
                "listener.name.sasl_ssl.plain.sasl.jaas.config": (
                    f"org.apache.kafka.common.security.plain.PlainLoginModule required {users};"
                ),
            },
            passwords,
        )

    def environment(self, way: str, role: str) -> dict[str, str]:
        """The settings with which a role connects in one of ``WAYS``."""
        if way == "ssl":
            certificate, key = self._client_keys[role]
            return {
                "SENTINEL_BROKERS": self.addresses["SSL"],
                "SENTINEL_SECURITY": "ssl",
                "SENTINEL_TLS_CA_FILE": str(self._ca),
                "SENTINEL_TLS_CERT_FILE": str(certificate),
                "SENTINEL_TLS_KEY_FILE": str(key),
                "SENTINEL_TLS_KEY_PASSWORD_FILE": self._secret("key", KEY_PASSWORD),
            }
        return {
            "SENTINEL_BROKERS": self.addresses["SASL_SSL"],
            "SENTINEL_SECURITY": "sasl_ssl",
            "SENTINEL_TLS_CA_FILE": str(self._ca),
            "SENTINEL_SASL_MECHANISM": way,
            "SENTINEL_SASL_USERNAME": role,
            "SENTINEL_SASL_PASSWORD_FILE": self._secret(role, password(role)),
        }

    def unknown_ca(self) -> Path:
        """An authority that the broker's certificate is not of."""
        return make_ca(self._folder_of_keys, "other-ca")

    def allow(self, rules: list[AclBinding]) -> None:
        """Add ACLs."""
        admin = AdminClient({"bootstrap.servers": self.address})
        for future in admin.create_acls(rules).values():
            future.result(10)

    def _secret(self, name: str, secret: str) -> str:
        file = self._folder_of_keys / f"{name}.password"
        file.write_text(f"{secret}\n")
        return str(file)
