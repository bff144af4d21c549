/*-------------------------------------------------------------------------
 *
 * session_gone.h
 *		The worker went in the middle of a call.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OG_SESSION_GONE_H
#define OG_SESSION_GONE_H

#include "session/session_part.h"

/* What was not sent then says so. */
#define OG_SESSION_STOPPED	"the gateway worker stopped before it could be sent"

/*
 * Answer all ids of the parts from this number on, by what the journal has.  False:
 * it has nothing of them, and no id of the call was answered before.
 */
extern bool og_session_recover(SessionCall *call, int first_part);

#endif							/* OG_SESSION_GONE_H */
