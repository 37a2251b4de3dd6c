#include "support/postgres.h"

#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/script.h"

static struct script server = {.name = "postgres.sh"};

static void die(const char *what)
{
	(void)fprintf(stderr, "tests/support/postgres.sh: %s\n", what);
	abort();
}

bool postgres_available(void)
{
	return script_url(&server) != NULL;
}

void postgres_tell(const char *word)
{
	script_tell(&server, word);
}

void postgres_new_database(char *ret_url, size_t size)
{
	static unsigned count;
	const char *url = script_url(&server);
	char create[64];

	if (!url)
		die("no PostgreSQL");
	(void)snprintf(create, sizeof(create), "CREATE DATABASE test_%u", ++count);
	PGconn *connection = PQconnectdb(url);
	PGresult *result = PQexec(connection, create);

	if (PQresultStatus(result) != PGRES_COMMAND_OK)
		die(PQerrorMessage(connection));
	PQclear(result);
	PQfinish(connection);
	(void)snprintf(ret_url, size, "postgresql://slipway@/test_%u%s", count, strchr(url, '?'));
}
