/*-------------------------------------------------------------------------
 *
 * pace.h
 *		How often a provider lets itself be asked, as it is written.
 *
 * A pace is a list of windows: so many requests within any stretch of so much
 * time, per key or per host.  What keeps it is the limiter (limiter.h).
 *
 *-------------------------------------------------------------------------
 */
#ifndef OG_PACE_H
#define OG_PACE_H

/* The most windows that one option may have. */
#define OG_MAX_WINDOWS		8

/* Most requests one window may count: less than a lane remembers. */
#define OG_MAX_PER_WINDOW	4000

typedef enum OgScope
{
	OG_PER_KEY,
	OG_PER_HOST
} OgScope;

typedef struct OgWindow
{
	int			requests;		/* at most this many ... */
	int64		length_us;		/* ... within any stretch of this length */
	OgScope		scope;
} OgWindow;

/* Without windows it is 'off'.  There is room for those of two options. */
typedef struct OgPace
{
	OgWindow	windows[2 * OG_MAX_WINDOWS];
	int			nwindows;
} OgPace;

/*
 * Read "10/1s per key, 1000/60s per host", "10/1s" or "off".  Answers false
 * and a static reason, a full sentence, when it cannot be read.
 */
extern bool og_pace_parse(const char *text, OgPace *pace,
						  const char **reason);

/* A window as it would be written in an option: "10/1s per key". */
extern char *og_pace_window_text(const OgWindow *window);

/* Add those windows of another pace that count per key, or per host. */
extern void og_pace_add(OgPace *pace, const OgPace *more, OgScope scope);

/* Add a quarter of another pace. */
extern void og_pace_add_quarter(OgPace *pace, const OgPace *whole);

/*
 * The length of the smallest window of a key, 0 where none counts: after so
 * long, some more is free of the limit that was most likely reached.
 */
extern int64 og_pace_smallest_us(const OgPace *pace);

#endif							/* OG_PACE_H */
