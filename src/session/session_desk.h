/*-------------------------------------------------------------------------
 *
 * session_desk.h
 *		Acts of a session that the worker of its database makes.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OG_SESSION_DESK_H
#define OG_SESSION_DESK_H

#include "session/session.h"

/* As og_session_act(); the worker sees all that was checked. */
extern void og_session_hand_over(const OgAct *act);

#endif							/* OG_SESSION_DESK_H */
