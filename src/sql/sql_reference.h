/*-------------------------------------------------------------------------
 *
 * sql_reference.h
 *		Names that users give to what they submit, so that the same again does
 *		no harm.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OG_SQL_REFERENCE_H
#define OG_SQL_REFERENCE_H

#include "sql/sql_function.h"
#include "worker/worker_journal.h"

/*
 * Give a call that is about to be added its reference, and its number; "given"
 * is what it was made of.  False if a call of the role has the reference
 * already, with the same content: then that one's number is set.  While another
 * transaction is about to submit a call with the reference, this waits for it.
 *
 * Errors: 23505 another content, 40001 above READ COMMITTED, where what decides
 * was committed since the transaction's snapshot.
 */
extern bool og_reference_take(const OgInstallation *installation,
							  OgJournalCall *call, const SqlGiven *given);

#endif							/* OG_SQL_REFERENCE_H */
