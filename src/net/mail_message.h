#ifndef SLIPWAY_NET_MAIL_MESSAGE_H
#define SLIPWAY_NET_MAIL_MESSAGE_H

/*
 * A message as it goes over the wire (RFC 5322): plain text in UTF-8, quoted-printable (RFC 2045),
 * names and subject as encoded words where they need it (RFC 2047). Nothing a caller passes can
 * become a header or an address of its own: control characters in names and subject become spaces,
 * addresses that are not plain ones are refused. Pure.
 */

#include "base/buf.h"

#define MAIL_ADDRESS_MAX 254
#define MAIL_MESSAGE_MAX (256 * 1024)

struct mail_message {
	span from_name, from; /* the name may be empty */
	span to;
	span subject;    /* at most 200 bytes are used */
	span text;       /* lines end in \n */
	span message_id; /* what stands before the '@': letters, digits, '_', '-', '.' */
	int64_t date_us;
};

/*
 * local@domain in ASCII without quotes or comments (RFC 5321, 4.1.2: Dot-string, Domain); a domain
 * beyond ASCII is written in its xn-- form.
 */
bool mail_address_is_valid(span address);

/* ERR_INVALID for an address or message_id that is not one; ERR_TOO_LARGE. Replaces out's content.
 */
err mail_build(const struct mail_message *m, struct buf *out) MUST_USE;

#endif
