from adapters import valkey
from adapters.cache_login import CacheLogin


def test_a_plain_url_is_a_plain_connection_to_anyone():
    wanted = valkey.connect("redis://127.0.0.1:6379/0").connection_pool.connection_kwargs

    assert ("127.0.0.1", 6379, 0) == (wanted["host"], wanted["port"], wanted["db"])
    assert wanted["credential_provider"] is None


def test_a_user_of_a_guarded_cache_logs_in_with_the_functions_role_over_tls_that_is_checked():
    pool = valkey.connect("rediss://fg-1@cache.example.com:6379/0?iam=a-cache").connection_pool
    connection = pool.make_connection()

    assert ("cache.example.com", 6379) == (connection.host, connection.port)
    assert ("required", True) == (connection.cert_reqs.name.removeprefix("CERT_").lower(), connection.check_hostname)
    assert isinstance(connection.credential_provider, CacheLogin)
    user, password = connection.credential_provider.get_credentials()
    assert "fg-1" == user
    assert password.startswith("a-cache/?")
