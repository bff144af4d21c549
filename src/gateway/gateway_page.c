/*-------------------------------------------------------------------------
 *
 * gateway_page.c
 *		A read from page to page, so that it tells all.
 *
 * What leaves between two pages moves those behind it forward, some of them to
 * a page that was read before.  So pages are read again, until all that one
 * pass told came once more in the next: then nothing had left in the first one
 * after it was told, and what stayed was told by both.  What arrives meanwhile
 * only moves others backward, where they come a second time.  A page of which
 * the provider has no smaller one is the last; no other is, but an empty one.
 *
 * Mostly nothing has changed meanwhile.  So a pass begins with the pages that
 * are byte for byte those of the pass before, which a digest of each tells:
 * their records have been told, and need no second look.  From the first page
 * on that is another one, all is told anew.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "common/hashfn.h"
#include "miscadmin.h"
#include "utils/memutils.h"

#include "gateway/gateway_walk.h"

/* So often pages are read, until they agree. */
#define MOST_PASSES	8

#define PAGES_AT_FIRST	16

/* A page, and what it and those before it told. */
typedef struct Page
{
	size_t		len;			/* of its bytes ... */
	uint64		digest;			/* ... and theirs: nobody gains by forging it */
	int64		count;			/* records of this page ... */
	int64		fresh;			/* ... and those not seen before in this pass */
	int			nkeys;			/* different ones so far */
	int64		given;			/* and handed on, and not asked for */
	int64		foreign;
} Page;

struct Pages
{
	MemoryContext context;
	const OgRead *read;
	const OgPages *plan;
	int			pass;			/* from 1 */
	int			page;			/* from 1; 0: before the first */
	Page		now;			/* the page that is read */
	Page	   *known;			/* those before it; and, while this pass is the
								 * same, of the pass before */
	int			nknown;
	int			size;
	bool		same;			/* so far, all pages are of the pass before */
	OgKeys	   *seen;			/* in this pass; while it is the same, before */
	OgKeys	   *before;			/* NULL while it is the same */
	int64		nbefore;		/* different records that the last pass told */
	int64		again;			/* and those of them that came again */
	Wholeness  *wholeness;
};

static OgKeys *
new_keys(Pages *pages)
{
	MemoryContext old = MemoryContextSwitchTo(pages->context);
	OgKeys	   *keys = og_keys_create();

	MemoryContextSwitchTo(old);
	return keys;
}

/* Begin, in the current context. */
Pages *
og_pages_begin(const OgRead *read, Wholeness *wholeness)
{
	Pages	   *pages = palloc0(sizeof(Pages));

	pages->context = CurrentMemoryContext;
	pages->read = read;
	pages->plan = read->operation->pages;
	pages->wholeness = wholeness;
	pages->size = PAGES_AT_FIRST;
	pages->known = palloc(pages->size * sizeof(Page));
	pages->seen = new_keys(pages);
	return pages;
}

/* Read from the first page on. */
static void
begin_pass(Pages *pages)
{
	if (pages->before != NULL)
		MemoryContextDelete(pages->before->context);
	pages->before = NULL;
	pages->nbefore = pages->seen->nkeys;
	pages->again = 0;
	pages->same = pages->pass++ > 0;
	pages->page = 0;
}

/* Was all that the last pass told told again? */
static bool
passes_agree(const Pages *pages)
{
	return pages->pass > 1 && pages->again == pages->nbefore;
}

/*
 * Is there no page after the one that was read?  One that tells nothing new is
 * none at all, or the last one once more.
 */
static bool
is_last_page(const Pages *pages)
{
	return pages->now.count < pages->plan->smallest ||
		pages->now.fresh == 0 || passes_agree(pages);
}

/* After the last page: is it certain that nothing that stayed is missing? */
static bool
is_complete(Pages *pages)
{
	if (pages->pass > 1)
		return passes_agree(pages);
	if (pages->page == 1)
		return true;			/* one answer has it all */
	if (pages->page > 2 || pages->now.count == 0 || pages->now.fresh > 0)
		return false;

	/* The second page is the first one. */
	if (pages->now.count >= pages->plan->size)
		pages->wholeness->flaw = "does not turn the page";
	else
		pages->wholeness->doubt = "Another page was asked for, and the same one came.";
	return true;
}

/* The page has been read. */
static void
keep_page(Pages *pages, int64 given, int64 foreign)
{
	if (pages->same)
		return;
	pages->now.nkeys = pages->seen->nkeys;
	pages->now.given = given;
	pages->now.foreign = foreign;
	if (pages->page > pages->size)
	{
		pages->size *= 2;
		pages->known = repalloc_huge(pages->known,
									 pages->size * sizeof(Page));
	}
	pages->known[pages->page - 1] = pages->now;
	pages->nknown = pages->page;
}

int
og_pages_next(Pages *pages, int64 given, int64 foreign)
{
	if (pages->page > 0)
		keep_page(pages, given, foreign);
	if (pages->pass == 0)
		begin_pass(pages);
	else if (is_last_page(pages))
	{
		if (is_complete(pages))
			return 0;
		if (pages->pass == MOST_PASSES)
		{
			pages->wholeness->flaw = psprintf("told other records each time that its pages were read: " INT64_FORMAT " of " INT64_FORMAT " had gone the last time",
											  pages->nbefore - pages->again,
											  pages->nbefore);
			return 0;
		}
		begin_pass(pages);
	}
	memset(&pages->now, 0, sizeof(pages->now));
	return ++pages->page;
}

/* This page is another one: only what those before it told still counts. */
static void
depart(Pages *pages, int64 *given, int64 *foreign)
{
	static const Page none = {0};
	const Page *last = pages->page > 1 ? &pages->known[pages->page - 2]
		: &none;

	pages->same = false;
	pages->before = pages->seen;
	pages->seen = new_keys(pages);
	for (int i = 0; i < last->nkeys; i++)
	{
		CHECK_FOR_INTERRUPTS();
		(void) og_keys_add(pages->seen, og_keys_get(pages->before, i));
	}
	pages->again = last->nkeys;
	*given = last->given;
	*foreign = last->foreign;
	pages->read->forget(pages->read->owner, last->given);
}

bool
og_pages_know(Pages *pages, OgSlice body, int64 *given, int64 *foreign)
{
	Page	   *now = &pages->now;

	/* Of an answer before it, which was refused, nothing counts. */
	memset(now, 0, sizeof(*now));
	now->len = body.len;
	now->digest = hash_bytes_extended((const unsigned char *) body.data,
									  (int) body.len, 0);
	if (!pages->same)
		return false;
	if (pages->page <= pages->nknown)
	{
		const Page *known = &pages->known[pages->page - 1];

		if (known->len == now->len && known->digest == now->digest)
		{
			*now = *known;
			pages->again = now->nkeys;
			return true;
		}
	}
	depart(pages, given, foreign);
	return false;
}

bool
og_pages_admit(Pages *pages, OgSlice key)
{
	bool		fresh = og_keys_add(pages->seen, key);

	pages->now.count++;
	pages->now.fresh += fresh;
	if (fresh && pages->before != NULL && !og_keys_add(pages->before, key))
		pages->again++;
	return fresh;
}
