#ifndef SLIPWAY_API_HANDLERS_H
#define SLIPWAY_API_HANDLERS_H

/* One handler per route; see routes.c for what each needs and answers. */

#include "api/api.h"

/* health.c */
api_handler get_health, get_readiness, get_metrics, get_jwks, get_openapi;
/* auth.c */
api_handler post_login, post_refresh, post_logout, post_setup, get_me;
/* sessions.c */
api_handler list_own_sessions, delete_own_session, delete_other_sessions, post_password;
api_handler list_account_sessions, delete_account_sessions;
/* factors.c */
api_handler post_second_factor, post_step_up, get_factors, post_totp, post_totp_confirm;
api_handler delete_totp, post_recovery_codes, delete_account_factors;
/* federation.c */
extern const struct body_sink provider_logout_sink;
api_handler get_federation_start, get_federation_callback, post_identity_start;
/* identity_providers.c */
api_handler post_identity_provider, list_identity_providers, get_identity_provider;
api_handler patch_identity_provider, delete_identity_provider, post_identity_provider_test;
api_handler list_sign_in_providers, list_own_identities, delete_own_identity;
/* passkeys.c */
api_handler post_passkey_options, post_passkey, delete_passkey, post_passkey_sign_in_options;
api_handler post_passkey_sign_in, post_step_up_options;
/* accounts.c */
api_handler post_account, list_accounts, get_account, patch_account, delete_account, delete_me;
/* roles.c */
api_handler post_role, list_roles, list_permissions, get_role, patch_role, delete_role;
/* invitations.c */
api_handler post_invitation, list_invitations, delete_invitation, post_acceptance;
/* mailbox.c */
api_handler post_email, post_email_verification, post_password_reset, post_password_reset_confirm;
/* organisations.c */
api_handler post_organisation, list_organisations, get_organisation, list_members;
api_handler patch_organisation, delete_organisation;
/* keys.c */
api_handler post_key, list_keys, delete_key, rotate_key, list_own_keys, delete_own_key;
api_handler rotate_own_key;
/* workload_identities.c */
api_handler post_workload_identity, list_workload_identities, get_workload_identity;
api_handler patch_workload_identity, delete_workload_identity;
/* oauth.c */
api_handler get_oauth_metadata, post_device_authorization, get_oauth_device, post_oauth_device;
api_handler post_oauth_token, post_oauth_revoke, post_introspection;
/* signing_keys.c */
api_handler list_signing_keys, post_signing_key, delete_signing_key;
/* audit.c */
api_handler list_audit, get_audit_entry, verify_audit, list_audit_checkpoints;
/* mail.c */
api_handler post_mail_test;
/* audit_export.c */
api_handler export_audit;
/* products.c */
api_handler post_product, list_products, get_product, patch_product;
api_handler post_publisher_key, list_publisher_keys, delete_publisher_key;
/* releases.c */
api_handler post_release, list_releases, get_release, patch_release, delete_release;
api_handler publish_release, pause_release, resume_release, withdraw_release, promote_release;
/* packages.c */
api_handler post_package, list_packages, get_package, delete_package;
api_handler post_package_block, delete_package_block;
/* uploads.c */
extern const struct body_sink upload_post_sink, upload_patch_sink, upload_put_sink;
api_handler options_uploads, head_upload, get_upload, delete_upload;
/* manifest.c */
api_handler get_manifest, get_release_notes;
/* scrub.c */
api_handler post_scrub, get_scrub;
/* licences.c */
api_handler post_licence, list_licences, get_licence, patch_licence, post_activation;
/* devices.c */
api_handler list_devices, get_device, patch_device, delete_device;
/* downloads.c */
api_handler post_download_token, post_download_renewal, put_download_report;
/* tokens.c */
api_handler delete_tokens;
/* updates.c */
api_handler post_update_report;
/* stats.c */
api_handler list_downloads, get_download, get_stats, get_explanation;
/* events.c */
extern const struct body_sink events_sink;

#endif
