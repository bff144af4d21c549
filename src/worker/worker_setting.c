/*-------------------------------------------------------------------------
 *
 * worker_setting.c
 *		Settings of the workers.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "commands/dbcommands.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/varlena.h"

#include "worker/worker_internal.h"

char	   *og_worker_databases = NULL;
int			og_journal_keep = 30 * 24 * 60;
char	   *og_notify_channel = NULL;

bool		og_worker_launched = false;

static bool
contains(List *names, const char *name)
{
	ListCell   *cell;

	foreach(cell, names)
	{
		if (strcmp(lfirst(cell), name) == 0)
			return true;
	}
	return false;
}

List *
og_worker_names(void)
{
	List	   *given = NIL;
	List	   *names = NIL;
	ListCell   *cell;

	if (og_worker_databases != NULL)
		(void) SplitIdentifierString(pstrdup(og_worker_databases), ',', &given);
	foreach(cell, given)
	{
		if (!contains(names, lfirst(cell)))
			names = lappend(names, lfirst(cell));
	}
	return names;
}

bool
og_worker_is_wanted(void)
{
	char	   *name = get_database_name(MyDatabaseId);

	return og_worker_launched && name != NULL &&
		contains(og_worker_names(), name);
}

/*
 * A channel that LISTEN finds by this name without quotes, so that nobody listens
 * to another one than is notified.
 */
bool
og_worker_check_channel(char **value, void **extra, GucSource source)
{
	static const char *const first = "abcdefghijklmnopqrstuvwxyz_";
	static const char *const further =
		"abcdefghijklmnopqrstuvwxyz_0123456789$";
	const char *name = *value;

	if (name[0] == '\0' ||
		(strchr(first, name[0]) != NULL && strlen(name) < NAMEDATALEN &&
		 strspn(name, further) == strlen(name)))
		return true;
	GUC_check_errdetail("It must be a name of at most %d lower-case letters, digits and underscores that does not begin with a digit.",
						NAMEDATALEN - 1);
	return false;
}
