/*-------------------------------------------------------------------------
 *
 * list.h
 *		Lists as people read them: "one, two, three".
 *
 *-------------------------------------------------------------------------
 */
#ifndef OG_LIST_H
#define OG_LIST_H

#include "lib/stringinfo.h"

/* Append an item, written as by psprintf, after a comma if it is not the first. */
extern void og_list_add(StringInfo list, const char *fmt,...)
			pg_attribute_printf(2, 3);

#endif							/* OG_LIST_H */
