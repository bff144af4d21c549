/*-------------------------------------------------------------------------
 *
 * list.c
 *		Lists as people read them: "one, two, three".
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "ground/list.h"

void
og_list_add(StringInfo list, const char *fmt,...)
{
	int			needed;

	if (list->len > 0)
		appendStringInfoString(list, ", ");
	do
	{
		va_list		items;

		va_start(items, fmt);
		needed = appendStringInfoVA(list, fmt, items);
		va_end(items);
		if (needed > 0)
			enlargeStringInfo(list, needed);
	} while (needed > 0);
}
