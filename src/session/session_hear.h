/*-------------------------------------------------------------------------
 *
 * session_hear.h
 *		What people hear of a call while it is made, and in errors.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OG_SESSION_HEAR_H
#define OG_SESSION_HEAR_H

#include "gateway/gateway.h"

/* A witness's .hear: notices and warnings. */
extern void og_session_hear(void *owner, const OgNews *news);

/* For callbacks of error contexts: is it one that ends the call? */
extern bool og_session_is_error(void);

/*
 * Say in the context of an error how far a call had come: with the ids that are in
 * flight as a list, and which calls of the journal it is, behind a comma; both may
 * be empty.
 */
extern void og_session_tell_progress(const OgProgress *progress,
									 const char *in_flight,
									 const char *calls);

#endif							/* OG_SESSION_HEAR_H */
