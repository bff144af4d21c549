/*-------------------------------------------------------------------------
 *
 * worker_upgraded.h
 *		What is known of servers by their OIDs, after pg_upgrade.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OG_WORKER_UPGRADED_H
#define OG_WORKER_UPGRADED_H

#include "utils/uuid.h"

/*
 * Servers and functions keep their names only: find those anew that sweeps,
 * heartbeats and streams of this installation are about.  A server that is not
 * found gets an OID that none has.  Needs a transaction.
 */
extern void og_upgraded_find_servers(const pg_uuid_t *installation);

#endif							/* OG_WORKER_UPGRADED_H */
