#ifndef SLIPWAY_API_MEMBERS_H
#define SLIPWAY_API_MEMBERS_H

/*
 * What routes accept: the members of their JSON bodies and forms, and the parameters of their
 * queries. Each list is ended by FIELD_END. Those of answers are in schemas.c.
 */

#include "api/api.h"

extern const struct field members_page[];
/* Sign-in */
extern const struct field members_new_passkey[], members_passkey_sign_in[],
	members_passkey_options[];
extern const struct field members_login[], members_second_factor[], members_federation_start[];
extern const struct field members_federation_callback[], members_identity_start[],
	members_new_provider[];
extern const struct field members_provider_change[], members_new_proof[], members_otp[];
extern const struct field members_logout[], members_new_password[], members_refresh[];
extern const struct field members_setup[], members_acceptance[], members_email[];
extern const struct field members_mailed_ticket[], members_reset_confirm[];
/* OAuth for tools */
extern const struct field members_device_authorization[], members_user_code[],
	members_device_decision[];
extern const struct field members_oauth_token[], members_one_token[];
/* Administration */
extern const struct field members_new_account[], members_account_change[], members_new_role[];
extern const struct field members_role_change[], members_account_removal[],
	members_new_invitation[];
extern const struct field members_new_organisation[], members_new_key[], members_new_workload[];
extern const struct field members_workload_change[], members_key_rotation[], members_rotation[];
extern const struct field members_audit_query[], members_audit_export_query[], members_mail_test[];
extern const struct field members_audit_verify_query[];
/* Catalogue */
extern const struct field members_new_product[], members_product_change[], members_publisher_key[];
extern const struct field members_new_release[], members_release_change[], members_releases_query[];
extern const struct field members_reason[], members_promotion[], members_new_package[];
extern const struct field members_packages_query[], members_manifest_query[];
/* Licences and devices */
extern const struct field members_new_licence[], members_licence_change[], members_licences_query[];
extern const struct field members_activation[], members_devices_query[], members_device_change[];
/* Downloads */
extern const struct field members_download_token[], members_download_report[], members_revocation[];
extern const struct field members_update_report[], members_downloads_query[], members_stats_query[];
extern const struct field members_explain_query[], members_events_query[];

#endif
