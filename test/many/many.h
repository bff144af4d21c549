/*-------------------------------------------------------------------------
 *
 * many.h
 *		What the files of this library share.
 *
 *-------------------------------------------------------------------------
 */
#ifndef MANY_H
#define MANY_H

/* This copy of the rooms finds the memory that others share. */
extern void share_memory(void);

#endif							/* MANY_H */
