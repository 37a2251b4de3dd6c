/*
 * What e-mail addresses and passwords may be. Hard rule: length and notoriety are judged, never
 * composition (NIST SP 800-63B 3.1.1.2, OWASP ASVS 5.0 6.2).
 */
#include "account/account.h"

#include "crypto/password.h"

#include "base/banned.h"

/*
 * The passwords that stand at the top of every published list, in lower case, of 8 bytes or more;
 * shorter ones cannot be chosen anyway. Sorted for the reader; compared without case.
 */
static const char *const well_known[] = {"00000000", "0123456789", "01234567", "1111111111",
	"11111111", "111111111", "11223344", "1122334455", "112233445566", "12121212", "123123123",
	"123123123123", "123321123", "1234512345", "12341234", "12344321", "12345678", "123456789",
	"1234567890", "12345678910", "123456789a", "123456789q", "12345678a", "1234qwer",
	"123654789", "123698745", "123abc123", "12qwaszx", "13131313", "1357924680", "147258369",
	"159357456", "159753456", "159951159", "1q2w3e4r", "1q2w3e4r5t", "1q2w3e4r5t6y", "1qaz2wsx",
	"1qaz2wsx3edc", "1qazxsw2", "20202020", "22222222", "23456789", "25802580", "31415926",
	"33333333", "44444444", "55555555", "66666666", "741852963", "77777777", "789456123",
	"87654321", "88888888", "963852741", "987654321", "9876543210", "99999999", "999999999",
	"a1234567", "a12345678", "a123456789", "a1b2c3d4", "aa123456", "aa12345678", "aaaaaaaa",
	"abc12345", "abc123456", "abc123abc", "abcd1234", "abcdefgh", "abcdefghi", "access14",
	"adminadmin", "admin123", "admin1234", "admin12345", "administrator", "alexander",
	"alexandra", "anthony1", "arsenal1", "asd123456", "asdasdasd", "asdf1234", "asdfasdf",
	"asdfghjk", "asdfghjkl", "asdfqwer", "azertyuiop", "babygirl", "babygirl1", "barcelona",
	"baseball", "baseball1", "basketball", "batman123", "benjamin", "bismillah", "blink182",
	"brooklyn", "butterfly", "caroline", "changeit", "changeme", "changeme1", "changeme123",
	"charlie1", "chelsea1", "chocolate", "chocolate1", "christian", "cocacola", "computer",
	"computer1", "cristina", "danielle", "default1", "dolphins", "dragon123", "elephant",
	"elizabeth", "estrella", "everton1", "facebook", "facebook1", "football", "football1",
	"football123", "fuckyou1", "fuckyou123", "garfield", "gfhjkm123", "godzilla", "goodluck",
	"guest123", "hallo123", "harrypotter", "hello123", "hellokitty", "hellothere", "helpme123",
	"holahola", "iloveyou", "iloveyou1", "iloveyou2", "iloveyou123", "iloveyou!", "infinity",
	"internet", "internet1", "isabella", "jennifer", "jessica1", "jonathan", "jordan23",
	"juventus", "killer123", "kimberly", "klaster1", "letmein1", "letmein123", "letmeinnow",
	"liverpool", "liverpool1", "lovelove", "loveyou1", "madison1", "manchester", "marlboro",
	"master123", "matthew1", "maverick", "mercedes", "metallica", "michael1", "michelle",
	"michelle1", "midnight", "minecraft", "minecraft1", "monkey123", "mustang1", "mypassword",
	"naruto123", "newpassword", "newyork1", "nicholas", "nintendo", "nothing1", "operator",
	"p@55w0rd", "p@ssw0rd", "p@ssw0rd1", "p@ssword", "p4ssw0rd", "passport", "passw0rd",
	"passw0rd1", "passwd123", "password", "password!", "password0", "password01", "password1",
	"password1!", "password12", "password123", "password123!", "password1234", "password2",
	"password3", "passwort", "patricia", "peanut123", "pokemon1", "pokemon123", "porsche911",
	"precious", "princess", "princess1", "princesa", "q1w2e3r4", "q1w2e3r4t5", "q1w2e3r4t5y6",
	"qazwsx123", "qazwsxedc", "qazwsxedcrfv", "qqqqqqqq", "qwaszx12", "qwe123qwe", "qweasdzxc",
	"qweqweqwe", "qwer1234", "qwerasdf", "qwerasdfzxcv", "qwerqwer", "qwertyui", "qwertyuiop",
	"qwerty12", "qwerty123", "qwerty1234", "qwerty12345", "qwerty123456", "qwertz123",
	"qwertzuiop", "ricardo1", "rockstar", "root1234", "rootroot", "samantha", "samantha1",
	"samsung1", "samsung123", "scooby123", "scorpion", "secret123", "security", "serenity",
	"shadow123", "shopping", "skywalker", "slipknot", "snowball", "softball", "something",
	"spartak1", "spiderman", "spiderman1", "starwars", "starwars1", "steelers", "stephanie",
	"strawberry", "sunflower", "sunshine", "sunshine1", "superman", "superman1", "superstar",
	"swordfish", "sysadmin", "temp1234", "test1234", "test12345", "testtest", "test123456",
	"tinkerbell", "tottenham", "trustno1", "trustnoone", "twilight", "user1234", "vanessa1",
	"veronica", "victoria", "vladimir", "voyager1", "welcome01", "welcome1", "welcome12",
	"welcome123", "whatever", "whatever1", "william1", "wordpass", "yellow123", "yourmom1",
	"zaq12wsx", "zaq1xsw2", "zaq1zaq1", "zxcvbnm1", "zxcvbnm123", "zxcvbnmasdfghjkl",
	"zzzzzzzz"};

static bool is_atom(char c)
{
	return (unsigned char)c > 0x20 && c != 0x7f && c != '"' && c != '\\' && c != '<' &&
	       c != '>' && c != '(' && c != ')' && c != ',' && c != ';' && c != ':' && c != '[' &&
	       c != ']' && c != '@';
}

bool email_is_valid(span email)
{
	size_t at = span_find(email, '@');
	span domain = span_from_offset(email, at + 1);

	if (email.len > EMAIL_MAX_BYTES || at == 0 || at >= email.len || !span_is_utf8(email))
		return false;
	for (size_t i = 0; i < email.len; i++)
		if (i != at && !is_atom(email.ptr[i]))
			return false;
	return domain.len > 0 && domain.ptr[0] != '.' && domain.ptr[0] != '-' &&
	       !span_ends_with(domain, SPAN(".")) && !span_contains(domain, SPAN("..")) &&
	       email.ptr[0] != '.' && email.ptr[at - 1] != '.';
}

const char *password_problem(span password, span email)
{
	if (password.len < PASSWORD_MIN_BYTES)
		return "A password has at least 8 characters.";
	if (password.len > PASSWORD_MAX_BYTES)
		return "A password has at most 1024 bytes.";
	if (email.len && span_eq_nocase(password, email))
		return "The password must not be the e-mail address.";
	for (size_t i = 0; i < ARRAY_LEN(well_known); i++)
		if (span_eq_nocase(password, span_from(well_known[i])))
			return "This password is among the most used ones, so it is tried first by "
			       "attackers. Choose another.";
	return NULL;
}

span email_key(struct arena *a, span email)
{
	char *key = arena_str(a, email);

	for (char *c = key; *c; c++)
		if (*c >= 'A' && *c <= 'Z')
			*c = (char)(*c | 0x20);
	return span_of(key, email.len);
}
