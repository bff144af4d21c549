# Views of a journal with many calls: whoever wants few rows has few rows read,
# whoever joins has each row read once, with statistics and without; and no
# condition of his sees a call that he may not.

use strict;
use warnings;
use utf8;

use JSON::PP ();
use List::Util qw(sum0);
use Test::More;

use OrderGateway::Test;

my $CALLS = 20_000;
my $OPEN = 100;

my $test = OrderGateway::Test->start(conf => "autovacuum = off\njit = off\n");
my $session = $test->session;

# Every tenth call is another role's; all but the last are done; of those the last
# one was marked and its mark taken back, the one before marked once more.
my $done = $CALLS - $OPEN;

$test->node->safe_psql('postgres', <<"END");
CREATE ROLE desk;
CREATE ROLE shop;
CREATE ROLE stranger;
INSERT INTO order_gateway_journal_call
SELECT i.id, n, '1000', 1, 'outbox', 'batch_cancel', 0, 'xt', 'cancel', 1, 'xt', r.oid, r.rolname, '{}',
	ARRAY[n::text], NULL, 'request ' || n, now() + n * interval '1 ms', now(), 'infinity'
FROM order_gateway_installation AS i, generate_series(1, $CALLS) AS n, pg_roles AS r
WHERE r.rolname = CASE n % 10 WHEN 0 THEN 'shop' ELSE 'desk' END
ORDER BY n;
INSERT INTO order_gateway_journal_mark
SELECT i.id, n, 1, true, ARRAY[1], 1, now()
FROM order_gateway_installation AS i, generate_series(1, $done) AS n
UNION ALL
SELECT i.id, $CALLS, m, m = 1, ARRAY[1], 1, now()
FROM order_gateway_installation AS i, generate_series(1, 2) AS m
UNION ALL
SELECT i.id, $CALLS - 1, m, m <> 2, ARRAY[1], 1, now()
FROM order_gateway_installation AS i, generate_series(1, 3) AS m;
INSERT INTO order_gateway_journal_result
SELECT i.id, n, 1, 1, n::text, 'cancelled', 'cancelled', NULL, NULL, 1, 1, 200, now(), now(), '{}'
FROM order_gateway_installation AS i, generate_series(1, $done) AS n;
INSERT INTO order_gateway_journal_end
SELECT i.id, n, false, '{1,0,0,0,0,0,0}', NULL, now()
FROM order_gateway_installation AS i, generate_series(1, $done) AS n;
CREATE FUNCTION peeks(anyelement) RETURNS boolean LANGUAGE plpgsql STRICT COST 0.0000001 AS \$\$
BEGIN
	RAISE NOTICE 'peeked at %', \$1;
	RETURN true;
END;
\$\$;
END

# All rows that the nodes of a plan have handled, those included that were thrown
# away.
sub rows_handled
{
	my ($node) = @_;
	my $loops = $node->{'Actual Loops'} // 0;
	my $rows = sum0(map { $node->{$_} // 0 }
		  ('Actual Rows', 'Rows Removed by Filter', 'Rows Removed by Join Filter'));

	return sum0($rows * $loops, map { rows_handled($_) } @{ $node->{Plans} // [] });
}

sub rows_of
{
	my ($sql) = @_;
	my $plan = join "\n", @{ $session->query("EXPLAIN (ANALYZE, FORMAT JSON) $sql")->{lines} };

	note($plan) if $ENV{OG_SHOW_PLANS};
	return rows_handled(JSON::PP->new->decode($plan)->[0]{Plan});
}

sub few_ok
{
	my ($sql, $name) = @_;

	return cmp_ok(rows_of($sql), '<', 500, $name);
}

sub once_ok
{
	my ($sql, $name) = @_;

	return cmp_ok(rows_of($sql), '<', 25 * $CALLS, $name);
}

# Without statistics they may be sorted; what belongs to each is looked up of few.
sub newest_ok
{
	my ($most, $name) = @_;

	return cmp_ok(rows_of('SELECT * FROM order_gateway_calls ORDER BY call_id DESC LIMIT 5'), '<', $most, $name);
}

foreach my $statistics ('without statistics', 'with them')
{
	$session->query('ANALYZE') if $statistics eq 'with them';
	note($statistics);
	foreach my $role ($session->value('SELECT current_user'), 'desk', 'shop')
	{
		$session->query("SET ROLE $role");
		newest_ok($statistics eq 'with them' ? 500 : 2 * $CALLS, "the newest calls, for $role");
		few_ok("SELECT * FROM order_gateway_calls WHERE reference = 'request 7000'", '... one that has a name');
		few_ok('SELECT * FROM order_gateway_calls WHERE call_id = 7000', '... one by its number');
		few_ok('SELECT * FROM order_gateway_results WHERE call_id = 7000', '... its results');
		few_ok("SELECT * FROM order_gateway_results WHERE order_id = '7000'", '... an order');
		once_ok("SELECT * FROM order_gateway_calls WHERE state = 'queued'", '... what is queued');
		once_ok("SELECT * FROM order_gateway_calls WHERE state = 'queued' ORDER BY call_id LIMIT 5",
			'... the first of it');
		once_ok('SELECT * FROM order_gateway_calls WHERE done_at IS NULL ORDER BY submitted_at LIMIT 5',
			'... what is not done');
		once_ok('SELECT * FROM order_gateway_calls JOIN order_gateway_results USING (call_id)',
			'... calls with their results');
		once_ok(q{SELECT * FROM order_gateway_results WHERE outcome = 'cancelled'
			AND call_id IN (SELECT call_id FROM order_gateway_calls WHERE server = 'xt')}, '... results of some calls');
		once_ok('SELECT count(*) FROM order_gateway_calls', '... how many there are');
		$session->query('RESET ROLE');
	}
}

# ----
# What they show
# ----

is_deeply($session->query('SELECT state, count(*) FROM order_gateway_calls GROUP BY 1 ORDER BY 1')->{lines},
	[ 'done|' . ($CALLS - $OPEN), 'queued|' . ($OPEN - 1), 'sending|1' ], 'states');
is($session->value("SELECT concat_ws(' ', state, first_sent_at) FROM order_gateway_calls WHERE call_id = $CALLS"),
	'queued', 'a call whose only mark was taken back is queued');
is($session->value("SELECT state FROM order_gateway_calls WHERE call_id = $CALLS - 1"), 'sending',
	'... and not when it was marked again');

# ----
# Who may see what
# ----

sub peeked
{
	my ($where) = @_;
	my $result = $session->query("SELECT call_id FROM $where");

	return 'error: ' . $result->{stderr} if defined $result->{sqlstate};
	return scalar(() = $result->{stderr} =~ /peeked at/g);
}

my @COLUMNS = qw(call_id function arguments reference state ids cancelled unknown submitted_at first_sent_at
	done_at);

foreach my $role ([ 'stranger', 0 ], [ 'shop', 10 ], [ 'desk', 90 ])
{
	my ($name, $count) = @$role;
	my $some = "call_id BETWEEN $CALLS - $OPEN - 99 AND $CALLS - $OPEN";

	$session->query("SET ROLE $name");
	is(peeked("order_gateway_calls WHERE $some AND peeks($_)"), $count, "$name sees $_ of $count calls alone")
	  foreach @COLUMNS;
	is(peeked("order_gateway_calls WHERE peeks(done_at) AND peeks(cancelled) AND $some"),
		2 * $count, '... whatever is asked together');
	is(peeked("order_gateway_results WHERE $some AND peeks($_)"), $count, "... and $_ of as many results")
	  foreach qw(order_id outcome response sent_at);
	$session->query('RESET ROLE');
}

$session->quit;
$test->node->stop;
done_testing();
