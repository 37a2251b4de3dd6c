#ifndef SLIPWAY_ACCOUNT_COMMON_PASSWORDS_H
#define SLIPWAY_ACCOUNT_COMMON_PASSWORDS_H

/*
 * The passwords attackers try first, in lower case, each between two line feeds; made by
 * scripts/common-passwords.py.
 */
extern const char common_passwords[];

#endif
