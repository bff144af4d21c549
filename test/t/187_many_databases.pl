# Databases of other clusters that act through the one which owns the account, as
# docs/many_databases.md has it: each statement of that chapter, and what becomes of
# a call when either side fails.

use strict;
use warnings;
use utf8;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils ();
use Test::More;
use Time::HiRes qw(sleep time);

use OrderGateway::Documents;
use OrderGateway::Journal;
use OrderGateway::Test;

my $documents = OrderGateway::Documents->new;
my $test = OrderGateway::Test->start(
	OrderGateway::Journal::worker(),
	options => { rate_limit => 'off', query_rate_limit => 'off' });
my ($gateway, $sandbox) = ($test->node, $test->sandbox);
my $journal = OrderGateway::Journal->new($gateway);

# A cluster that knows nothing of the extension.
my $shop = PostgreSQL::Test::Cluster->new('shop');

$shop->init;
$shop->start;

sub recipe { return $documents->recipe(@_); }
sub here { return $gateway->safe_psql('postgres', @_); }
sub there { return $shop->safe_psql('postgres', @_); }

# What a statement there ends with: the words of its error, or ''.
sub error_there
{
	my ($sql) = @_;
	my ($ok, undef, $stderr) = $shop->psql('postgres', $sql);

	return $ok == 0 ? '' : $stderr;
}

sub cancels
{
	return map { @{ $_->{ids} } } grep { $_->{operation} eq 'batch_cancel' } @{ $sandbox->requests };
}

sub wait_done
{
	my ($name) = @_;

	return $journal->wait_until('SELECT count(*) = 0 FROM order_gateway_calls WHERE done_at IS NULL', $name);
}

sub fresh
{
	my (@ids) = @_;

	$test->reset;
	return $test->seed('xt', @ids);
}

sub insert
{
	my ($reference, @ids) = @_;
	my $list = join ',', @ids;

	return qq{INSERT INTO outbox (function, arguments, ids, server, reference)
		VALUES ('batch_cancel', '{"market": "btc_usdt"}', '{$list}', 'xt', '$reference')};
}

# ----
# As the chapter has it
# ----

here(recipe('outbox-here'));
here($sandbox->mapping_sql('xt', role => 'shop'));
there(recipe('outbox-there'));
there(q{ALTER SERVER gateway OPTIONS (SET host '} . $gateway->host . q{', SET dbname 'postgres', ADD port '} . $gateway->port . q{');
	ALTER USER MAPPING FOR CURRENT_USER SERVER gateway OPTIONS (ADD password_required 'false')});

subtest 'the statements of the chapter' => sub {
	fresh(9001, 9002, 4711 .. 4720);
	there(recipe('outbox-insert')) foreach 1 .. 2;
	wait_done('an order is cancelled from another cluster');
	is(there('SELECT order_id, outcome FROM results ORDER BY order_id'), "9001|cancelled\n9002|cancelled",
		'... which reads what became of it');
	is(join(' ', sort(cancels())), '9001 9002', '... once, though it was said twice');
	is($journal->sql(q{SELECT DISTINCT role FROM order_gateway_calls}), 'shop', '... by the role that connects');

	there(q{CREATE TABLE orders (id text PRIMARY KEY, status text);
		INSERT INTO orders SELECT i::text, 'stale' FROM generate_series(4711, 4720) AS i});
	there(recipe('outbox-local'));
	wait_done('many rows are many calls');
	is(there('SELECT status, count(*) FROM orders GROUP BY 1'), 'cancelling|10', '... beside what is changed there');
	there(recipe('outbox-take-over'));
	is(there('SELECT status, count(*) FROM orders GROUP BY 1'), 'cancelled|10', '... where what became of them is taken over');
	is(there(recipe('outbox-state')), '0', 'what is under way can be seen');
};

subtest 'what a row must have, and may do' => sub {
	fresh(1 .. 3);
	like(error_there(q{INSERT INTO outbox (function, arguments, ids, server) VALUES ('batch_cancel', '{"market": "btc_usdt"}', '{1}', 'xt')}),
		qr/column "reference" of order_gateway_outbox must not be null/, 'a reference is required');
	like(error_there(insert('other', 1) =~ s/batch_cancel/tronsave_cancel/r =~ s/'\{"market": "btc_usdt"\}'/NULL/r =~ s/'xt'/'tronsave'/r),
		qr/permission denied for function tronsave_cancel_submit/, 'what the role may not do is refused');
	like(error_there(insert('other', 1) =~ s/'xt'/'btse'/r), qr/ERROR/, '... as is what it has no account for');
	like(error_there('UPDATE outbox SET ids = NULL'), qr/ERROR/, 'what was submitted cannot be changed');
	like(error_there('DELETE FROM outbox'), qr/ERROR/, '... nor taken out');
	like(error_there(insert('shop, order 4711', 3)), qr/reference "shop, order 4711" stands for another call/,
		'a reference is not given again to something else');
	there('BEGIN; ' . insert('rolled back', 1) . '; ROLLBACK');
	there('BEGIN; SAVEPOINT s; ' . insert('rolled back', 2) . '; ROLLBACK TO s; ' . insert('kept', 3) . '; COMMIT');
	wait_done('what is committed is made');
	is(join(' ', cancels()), '3', '... and nothing else');
};

subtest 'many rows at once' => sub {
	my @ids = 100 .. 179;

	fresh(@ids);
	there(q{ALTER FOREIGN TABLE outbox OPTIONS (ADD batch_size '25')});
	there(q{INSERT INTO outbox (function, arguments, ids, server, reference)
		SELECT 'batch_cancel', '{"market": "btc_usdt"}', ARRAY[i::text], 'xt', 'batch ' || i FROM generate_series(100, 179) AS i});
	wait_done('with batch_size, too');
	is(join(' ', sort { $a <=> $b } cancels()), join(' ', @ids), '... each row is a call that is made once');
	there(q{ALTER FOREIGN TABLE outbox OPTIONS (DROP batch_size)});
};

# ----
# When one of them fails
# ----

# A transaction there that fails when all was said, and the other side has
# committed: each of two has read what the other one writes.
subtest 'the other side commits, and the transaction here is rolled back' => sub {
	my $late = OrderGateway::Test::Session->new($shop->connstr('postgres'));

	fresh(21);
	there('CREATE TABLE a (i int); CREATE TABLE b (i int)');
	$late->query($_) foreach 'BEGIN ISOLATION LEVEL SERIALIZABLE', 'SELECT count(*) FROM a', 'INSERT INTO b VALUES (1)',
	  insert('late', 21);
	there('BEGIN ISOLATION LEVEL SERIALIZABLE; SELECT count(*) FROM b; INSERT INTO a VALUES (1); COMMIT');
	is($late->query('COMMIT')->{sqlstate}, '40001', 'it fails in its COMMIT');
	is(there('SELECT count(*) FROM b'), 0, '... and nothing is left of it there');
	wait_done('the call is made all the same');
	is(join(' ', cancels()), '21', '... really');
	there(insert('late', 21));
	wait_done('the transaction is repeated');
	is(join(' ', cancels()), '21', '... and nothing is sent twice');
	is(there(q{SELECT r.outcome FROM results AS r WHERE r.order_id = '21'}), 'cancelled', '... and it sees what became of it');
	$late->quit;
};

subtest 'the other side is away' => sub {
	fresh(31, 32);
	there('CREATE TABLE noted (i int)');
	my $open = OrderGateway::Test::Session->new($shop->connstr('postgres'));
	$open->query($_) foreach 'BEGIN', 'INSERT INTO noted VALUES (31)', insert('away', 31);
	$gateway->stop('fast');
	like(error_there(insert('away', 32)), qr/could not connect to server "gateway"/, 'who submits is told');
	is(error_there('INSERT INTO noted VALUES (1)'), '', '... and what needs it not goes on');
	like($open->query('COMMIT')->{stderr}, qr/ERROR/, 'who had submitted fails in the COMMIT');
	is(there('SELECT count(*) FROM noted WHERE i = 31'), 0, '... and nothing is left of it there');
	is(scalar(cancels()), 0, '... and nothing was sent');
	$gateway->start;
	$journal->wait_for_worker('it is back');
	is($journal->sql(q{SELECT count(*) FROM order_gateway_calls WHERE reference = 'away'}), 0, '... and has nothing of it either');
	$open->query($_) foreach 'BEGIN', 'INSERT INTO noted VALUES (31)', insert('away', 31), 'COMMIT';
	wait_done('the same once more');
	is(join(' ', cancels()), '31', '... is made');
	is(there('SELECT count(*) FROM noted WHERE i = 31'), 1, '... on both sides');
	$open->quit;
};

subtest 'the other side is slow' => sub {
	my $lock = $test->session;

	fresh(41);
	$lock->query($_) foreach 'BEGIN', 'LOCK TABLE order_gateway_journal_call';
	my $start = time;
	like(error_there(q{SET statement_timeout = '1s'; } . insert('slow', 41)), qr/statement timeout|canceling statement/,
		'whoever does not want to wait does not');
	cmp_ok(time - $start, '<', 30, '... for long');
	$lock->query('COMMIT');
	is(error_there(insert('slow', 41)), '', 'then it goes');
	wait_done('... and is made');
	is(join(' ', cancels()), '41', '... once');
	$lock->quit;
};

# The level of the role goes before that of its database.
subtest 'what COMMIT promises' => sub {
	fresh(51);
	here('ALTER DATABASE postgres SET synchronous_commit = off');
	here(recipe('outbox-durable'));
	is($gateway->safe_psql('postgres', 'SHOW synchronous_commit', extra_params => [ '-U', 'shop' ]), 'on',
		'the role that connects has a level of its own');
	there(insert('durable', 51));
	wait_done('... and submits with it');
	is(join(' ', cancels()), '51', '... as ever');
};

$documents->all_were_run;
$sandbox->stop;
$shop->stop;
$gateway->stop;
done_testing();
