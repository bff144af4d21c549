/*-------------------------------------------------------------------------
 *
 * limiter_file.h
 *		Lanes in files: found by name, shared by all sessions.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OG_LIMITER_FILE_H
#define OG_LIMITER_FILE_H

#include "limiter_lane.h"

/*
 * Find a lane, or make one.  The caller may use it until it closes it again,
 * exactly once.  Errors: 58030 when the lane cannot be had.
 */
extern OgLane *og_lane_open(const char *name);

/* Raises no errors, so it may be called when a context goes. */
extern void og_lane_close(OgLane *lane);

#endif							/* OG_LIMITER_FILE_H */
