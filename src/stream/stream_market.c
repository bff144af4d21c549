/*-------------------------------------------------------------------------
 *
 * stream_market.c
 *		Markets in which an account's fills are read.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/memutils.h"

#include "stream/stream_market.h"

static bool
is_known(const Markets *markets, const char *symbol)
{
	ListCell   *cell;

	foreach(cell, markets->list)
	{
		if (strcmp(((Market *) lfirst(cell))->symbol, symbol) == 0)
			return true;
	}
	return false;
}

static void
add(Markets *markets, const char *symbol, TimestampTz until, bool marked)
{
	MemoryContext old = MemoryContextSwitchTo(markets->context);
	Market	   *market = palloc0(sizeof(Market));

	market->symbol = pstrdup(symbol);
	market->until = until;
	market->marked = marked;
	markets->list = lappend(markets->list, market);
	MemoryContextSwitchTo(old);
}

/* Those that have marks are read first: there is something in them, maybe. */
void
og_market_begin(Markets *markets, const Appending *append)
{
	const OgStreamWish *wish = &append->stream->wish;
	ListCell   *cell;

	markets->begun_at = wish->started_at;
	foreach(cell, append->proved)
	{
		const AppendMark *mark = lfirst(cell);

		if (wish->symbol == NULL || strcmp(mark->symbol, wish->symbol) == 0)
			add(markets, mark->symbol, mark->until, true);
	}
	if (wish->symbol != NULL && markets->list == NIL)
		add(markets, wish->symbol, wish->started_at, false);
}

void
og_market_see(Markets *markets, OgSlice symbol)
{
	char	   *text;

	if (!og_is_id(symbol))
		return;
	text = og_json_text(symbol, OG_MAX_MARKET + 1);
	if (og_provider_is_market(&og_btse, text) && !is_known(markets, text))
		add(markets, text, markets->begun_at, false);
	pfree(text);
}

Market *
og_market_get(const Markets *markets, int number)
{
	return number < list_length(markets->list)
		? list_nth(markets->list, number) : NULL;
}
