/*-------------------------------------------------------------------------
 *
 * session_hear.c
 *		What people hear of a call while it is made, and in errors.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "session/session_hear.h"

static void
hear_pace(const OgNews *news)
{
	int			max_wait = news->account->max_wait / 1000;

	/* The provider may have told how long it wants to be left alone. */
	ereport(NOTICE,
			(errmsg("the pace of server \"%s\" makes this call wait for about " INT64_FORMAT " seconds",
					news->account->server, news->number),
			 news->text != NULL
			 ? errdetail("The provider asked for a pause until %s.", news->text)
			 : 0,
			 news->is_act && max_wait > 0
			 ? errhint("Option max_wait ends such waits after %d seconds; ids that had no turn by then are \"not_sent\".",
					   max_wait) : 0));
}

void
og_session_hear(void *owner, const OgNews *news)
{
	const char *server = news->account->server;
	int			number = (int) Min(news->number, PG_INT32_MAX);

	switch (news->kind)
	{
		case OG_NEWS_PACE:
			hear_pace(news);
			break;
		case OG_NEWS_OTHERS_FIRST:
			ereport(NOTICE,
					(errmsg("other calls have been using the account of server \"%s\" for %d seconds; this one goes on waiting for its turn",
							server, number)));
			break;
		case OG_NEWS_FOREIGN:
			ereport(WARNING,
					(errcode(ERRCODE_WARNING),
					 errmsg_plural("server \"%s\" answered about %d order that was not asked for",
								   "server \"%s\" answered about %d orders that were not asked for",
								   number, server, number),
					 errdetail("What it said about them was ignored.")));
			break;
		case OG_NEWS_STRAY:
			ereport(WARNING,
					(errcode(ERRCODE_WARNING),
					 errmsg_plural("server \"%s\" answered with %d record that was not asked for",
								   "server \"%s\" answered with %d records that were not asked for",
								   number, server, number),
					 errdetail("They are of another order or market, or more than were asked for, and were left out.")));
			break;
		case OG_NEWS_DOUBT:
			ereport(WARNING,
					(errcode(ERRCODE_WARNING),
					 errmsg("%s(): server \"%s\" may have more records than it told",
							news->function, server),
					 errdetail("%s", news->text)));
			break;
	}
}

/* Not a notice or a log line. */
bool
og_session_is_error(void)
{
	int			category = ERRCODE_TO_CATEGORY(geterrcode());

	return category != ERRCODE_SUCCESSFUL_COMPLETION &&
		category != ERRCODE_WARNING;
}

void
og_session_tell_progress(const OgProgress *progress, const char *in_flight,
						 const char *calls)
{
	errcontext("order_gateway: %d of %d ids answered (%d %s), %d in flight%s%s%s, %d not sent%s",
			   progress->answered, progress->total, progress->done,
			   og_verdict_name(progress->wanted), progress->in_flight,
			   *in_flight != '\0' ? " (" : "", in_flight,
			   *in_flight != '\0' ? ")" : "",
			   progress->total - progress->answered - progress->in_flight,
			   calls);
}
