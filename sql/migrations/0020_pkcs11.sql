-- Where the private part of a signing key is, if it is no file: the URI of RFC 7512.
ALTER TABLE signing_keys ADD COLUMN pkcs11_uri TEXT;
