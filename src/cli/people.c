/* Words for people about people. */
#include "cli/people.h"

#include <string.h>

#include "base/banned.h"

static const char *word_of(const char *method)
{
	static const char *const words[][2] = {{"pwd", "password"}, {"otp", "one-time code"},
		{"rc", "recovery code"}, {"hwk", "passkey"}, {"passkey", "passkey"},
		{"fed", "identity provider"}, {"mfa", "its second factor"},
		{"licence", "licence key"}};

	for (size_t i = 0; method && i < ARRAY_LEN(words); i++)
		if (!strcmp(method, words[i][0]))
			return words[i][1];
	return method ? method : "";
}

void methods_to_words(json_t *object)
{
	const json_t *methods = json_object_get(object, "methods");
	json_t *words = json_array();

	for (size_t i = 0; i < json_array_size(methods); i++)
		json_array_append_new(
			words, json_string(word_of(json_string_value(json_array_get(methods, i)))));
	json_object_set_new(object, "methods", words);
}
