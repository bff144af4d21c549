/*-------------------------------------------------------------------------
 *
 * server_shim.c
 *		What the pure rooms need of a server, without one.
 *
 * StringInfo, psprintf and the encodings come from PostgreSQL's own library
 * for client programs, libpgcommon, and stand on the palloc that is here.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <signal.h>

#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "server_shim.h"

/* What stands before each piece of memory; a multiple of its alignment. */
typedef union Header
{
	struct
	{
		size_t		size;
		union Header *previous; /* all pieces are in a list */
		union Header *next;
	};
	char		aligned[32];
} Header;

static Header *pieces;

size_t		shim_in_use;
size_t		shim_peak;
bool		shim_out_of_memory;
int64		shim_interrupts;

volatile sig_atomic_t InterruptPending;
volatile uint32 InterruptHoldoffCount;
volatile uint32 QueryCancelHoldoffCount;
volatile uint32 CritSectionCount;
MemoryContext CurrentMemoryContext;
MemoryContext TopMemoryContext;
sigjmp_buf *PG_exception_stack;
ErrorContextCallback *error_context_stack;

void
shim_reset_peak(void)
{
	shim_peak = shim_in_use;
}

void
shim_count_interrupts(bool on)
{
	if (on)
		shim_interrupts = 0;
	InterruptPending = on;
}

void
ProcessInterrupts(void)
{
	shim_interrupts++;
}

static void
count(ptrdiff_t change)
{
	shim_in_use += change;
	shim_peak = Max(shim_peak, shim_in_use);
}

void *
palloc_extended(Size size, int flags)
{
	Header	   *header;

	if (shim_out_of_memory && (flags & MCXT_ALLOC_NO_OOM))
	{
		shim_out_of_memory = false;
		return NULL;
	}
	if (size > ((flags & MCXT_ALLOC_HUGE) ? MaxAllocHugeSize : MaxAllocSize))
		abort();
	header = malloc(sizeof(Header) + size);
	if (header == NULL)
		abort();
	header->size = size;
	header->previous = NULL;
	header->next = pieces;
	if (pieces != NULL)
		pieces->previous = header;
	pieces = header;
	count(size);

	/* What was not written must not look as if it had been. */
	memset(header + 1, (flags & MCXT_ALLOC_ZERO) ? 0 : 0x7F,
		   (flags & MCXT_ALLOC_ZERO) ? size : Min(size, 4096));
	return header + 1;
}

void *
palloc(Size size)
{
	return palloc_extended(size, 0);
}

void *
palloc0(Size size)
{
	return palloc_extended(size, MCXT_ALLOC_ZERO);
}

void
pfree(void *pointer)
{
	Header	   *header = (Header *) pointer - 1;

	count(-(ptrdiff_t) header->size);
	if (header->next != NULL)
		header->next->previous = header->previous;
	if (header->previous != NULL)
		header->previous->next = header->next;
	else
		pieces = header->next;
	free(header);
}

void
shim_forget(void)
{
	while (pieces != NULL)
		pfree(pieces + 1);
}

/* Always moves, as the worst of allocators would. */
void *
repalloc(void *pointer, Size size)
{
	Header	   *header = (Header *) pointer - 1;
	void	   *moved = palloc(size);

	memcpy(moved, pointer, Min(size, header->size));
	pfree(pointer);
	return moved;
}

char *
pnstrdup(const char *in, Size len)
{
	char	   *out;

	len = strnlen(in, len);
	out = palloc(len + 1);
	memcpy(out, in, len);
	out[len] = '\0';
	return out;
}

/* As the server's, which is not in the library. */
uint64
hex_encode(const char *src, size_t len, char *dst)
{
	for (size_t i = 0; i < len; i++)
	{
		dst[2 * i] = "0123456789abcdef"[(unsigned char) src[i] >> 4];
		dst[2 * i + 1] = "0123456789abcdef"[(unsigned char) src[i] & 0x0F];
	}
	return 2 * len;
}

char *
pstrdup(const char *in)
{
	return pnstrdup(in, strlen(in));
}

void *
MemoryContextAlloc(MemoryContext context, Size size)
{
	return palloc(size);
}

void *
MemoryContextAllocZero(MemoryContext context, Size size)
{
	return palloc0(size);
}

void *
MemoryContextAllocExtended(MemoryContext context, Size size, int flags)
{
	return palloc_extended(size, flags);
}

/* ----
 * Errors: said, and the end.  Warnings and below are only said.
 * ----
 */

static bool error_is_fatal;

bool
errstart(int elevel, const char *domain)
{
	error_is_fatal = elevel >= ERROR;
	return true;
}

bool
errstart_cold(int elevel, const char *domain)
{
	return errstart(elevel, domain);
}

void
errfinish(const char *filename, int lineno, const char *funcname)
{
	fprintf(stderr, "# raised in %s, %s:%d\n", funcname, filename, lineno);
	if (error_is_fatal)
		abort();
}

int
errcode(int sqlerrcode)
{
	return 0;
}

static int
say(const char *format, va_list arguments)
{
	char		text[1024];

	vsnprintf(text, sizeof(text), format, arguments);
	fprintf(stderr, "# %s\n", text);
	return 0;
}

int
errmsg(const char *fmt,...)
{
	va_list		arguments;

	va_start(arguments, fmt);
	say(fmt, arguments);
	va_end(arguments);
	return 0;
}

int
errmsg_internal(const char *fmt,...)
{
	va_list		arguments;

	va_start(arguments, fmt);
	say(fmt, arguments);
	va_end(arguments);
	return 0;
}

#if PG_VERSION_NUM >= 160000
void
ExceptionalCondition(const char *conditionName, const char *fileName,
					 int lineNumber)
#else
void
ExceptionalCondition(const char *conditionName, const char *errorType,
					 const char *fileName, int lineNumber)
#endif
{
	fprintf(stderr, "# assertion failed: %s, %s:%d\n", conditionName,
			fileName, lineNumber);
	abort();
}
