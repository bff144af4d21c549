# Streams: started and stopped as transactions are; books and best prices as the
# provider has them; who sees what; servers, roles and mappings that change.

use strict;
use warnings;
use utf8;

use PostgreSQL::Test::Utils ();
use Test::More;

use OrderGateway::Books;
use OrderGateway::Test qw(sql_text);

my $books = OrderGateway::Books->start(conf => "max_prepared_transactions = 5\n");
my $test = $books->test;
my $node = $books->node;
my $sandbox = $books->sandbox;

sub refused
{
	my ($session, $sql, $state, $like, $name) = @_;
	my $result = $session->query($sql);

	is($result->{sqlstate} // 'none', $state, "$name is refused");
	like($result->{stderr}, $like, '... and it is said why');
	return;
}

# ----
# Starting and stopping
# ----

subtest 'a stream begins with COMMIT, and ends with COMMIT' => sub {
	my $session = $test->session;

	$session->query(q{BEGIN; SELECT btse_stream_start('book', 'BTC-USD'); ROLLBACK});
	$session->query('BEGIN');
	my $id = $session->value(q{SELECT btse_stream_start('book', 'BTC-USD')});
	is($session->value('SELECT count(*) FROM order_gateway_streams'), 1, 'who starts it sees it');
	is($books->sql('SELECT count(*) FROM order_gateway_streams'), 0, '... and nobody else before COMMIT');
	is($sandbox->streams->{open}, 0, '... and nothing is followed');
	$session->query('COMMIT');
	$books->state_ok($id, 'live', 'then it is live');
	$books->book_ok('BTC-USD', 0, '... and the book is the provider\'s');
	refused($session, q{SELECT btse_stream_start('book', 'BTC-USD')}, '42710',
		qr/It is stream $id\./, 'the same once more');
	$session->query("BEGIN; SELECT btse_stream_stop($id); ROLLBACK");
	is($books->sql("SELECT state FROM order_gateway_streams"), 'live', 'a stop that is rolled back is none');
	$session->query("SELECT btse_stream_stop($id)");
	ok(!$books->is_shown('BTC-USD', 0) || $books->wait_sql('SELECT count(*) FROM btse_book', '0', 'the book goes'),
		'a book that nobody follows is not shown');
	$books->wait_sql('SELECT count(*) FROM order_gateway_streams', '0', '... nor its stream');
	$books->wait_sql(q{SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'order_gateway stream worker'},
		'0', 'without streams there is no worker of them');
	is($sandbox->streams->{open}, 0, '... nor a connection');
};

subtest 'prepared transactions' => sub {
	my $id = $books->sql(
		q{BEGIN; SELECT btse_stream_start('l1', 'BTC-USD'); PREPARE TRANSACTION 'start'});

	is($books->sql('SELECT count(*) FROM order_gateway_streams'), 0, 'what is prepared is not followed');
	$books->sql(q{COMMIT PREPARED 'start'});
	$books->state_ok($id, 'live', 'what is committed then is');
	is($books->sql(q{SELECT symbol || ' ' || (bid_price < ask_price) || ' ' || server FROM btse_l1}),
		'BTC-USD true btse', '... and best prices are shown');
	$books->sql("SELECT btse_stream_stop($id)");
	$books->wait_sql('SELECT count(*) FROM btse_l1', '0', '... until it is stopped');
};

# ----
# What they show
# ----

subtest 'books follow the provider' => sub {
	my $fine = $books->follow('book', symbol => 'BTC-USD');
	my $coarse = $books->sql(q{SELECT btse_stream_start('book', 'BTC-USD', 2)});

	$books->state_ok($coarse, 'live', 'another grouping is another book');
	is($sandbox->streams->{open}, 2, '... on a connection of its own');
	$sandbox->trade(rate => 100);
	foreach my $grouping (0, 2)
	{
		my ($wrong, $seen) = $books->watch('BTC-USD', $grouping, 3);

		is_deeply($wrong, [], "grouping $grouping: each look is at one state of the provider's book");
		cmp_ok($seen, '>', 5, '... and it was looked at');
	}
	is($books->sql(<<''), 't', 'all that one statement sees of a book is of one moment');
SELECT bool_and(b.seq = t.seq AND l.price = CASE l.side WHEN 'buy' THEN t.bid_price ELSE t.ask_price END)
FROM btse_book AS l JOIN btse_book AS b USING (symbol, book_grouping)
JOIN btse_book_top AS t ON t.symbol = l.symbol AND t.book_grouping = l.book_grouping AND l.level = 1

	my $session = $test->session;
	$session->query('BEGIN ISOLATION LEVEL REPEATABLE READ');
	my $first = $session->value(q{SELECT seq FROM btse_book_top WHERE book_grouping = 0});
	$books->wait_sql("SELECT seq > $first FROM btse_book_top WHERE book_grouping = 0", 't', 'the book goes on');
	is($session->value(q{SELECT seq FROM btse_book_top WHERE book_grouping = 0}), $first,
		'... but not for a REPEATABLE READ transaction');
	$session->query('COMMIT');
	$sandbox->stop_trading;
	$books->wait_current('BTC-USD', $_, "grouping $_ is current at the end") foreach 0, 2;
	is($books->sql('SELECT bool_and(spread > 0 AND age >= interval \'0\') FROM btse_book_top'), 't',
		'spread and age are told');
	is($books->events('gap') + $books->events('crossed'), 0, 'nothing was missed');
	$books->sql("SELECT btse_stream_stop($_)") foreach $fine, $coarse;
};

subtest 'what was hidden is not shown later' => sub {
	my $id = $books->follow('book', symbol => 'BTC-USD');
	my $best = $books->follow('l1', symbol => 'BTC-USD');
	my $shown = 'SELECT (SELECT count(*) FROM btse_book_top) + (SELECT count(*) FROM btse_l1)';

	$sandbox->arm('stream_upgrade', form => 'http_503', url => 'book', times => 0);
	$sandbox->close_streams(url => 'book', how => 'drop');
	$books->wait_sql($shown, '0', 'without a connection neither is shown');

	my $session = $test->session;
	$session->query('BEGIN ISOLATION LEVEL REPEATABLE READ');
	is($session->value($shown), 0, '... nor is it to a transaction');
	$sandbox->disarm;
	$books->wait_sql($shown, '2', 'both are live again');
	is($session->value($shown), 0, '... and what they were before is not shown to that transaction');
	$session->query('COMMIT');
	is($session->value($shown), 2, '... which sees them when it is over');
	$books->sql("SELECT btse_stream_stop($_)") foreach $id, $best;
	$books->wait_sql('SELECT count(*) FROM order_gateway_streams', '0', 'both are stopped');
};

subtest 'equal topics are asked for once' => sub {
	$books->sql('CREATE ROLE other; GRANT USAGE ON FOREIGN SERVER btse TO other;
		GRANT EXECUTE ON FUNCTION btse_stream_start, btse_stream_stop TO other');
	my $one = $books->follow('book', symbol => 'ETH-USD');
	my $two = $books->follow('book', symbol => 'ETH-USD', role => 'other');

	is($sandbox->streams->{topics}{'update:ETH-USD_0'}, 1, 'two roles follow one topic');
	$books->sql("SELECT btse_stream_stop($one)");
	$books->wait_sql('SELECT count(*) FROM order_gateway_streams', '1', 'one of them stops');
	$books->book_ok('ETH-USD', 0, '... and the other still has its book');
	is($sandbox->streams->{topics}{'update:ETH-USD_0'}, 1, '... that is asked for');

	# ----
	# Rights
	# ----

	$books->sql('CREATE ROLE stranger; CREATE ROLE reader IN ROLE pg_read_all_data');
	is($books->sql('SET ROLE stranger; SELECT count(*) FROM btse_book'), 0, 'who may not use the server sees no book');
	is($books->sql('SET ROLE stranger; SELECT count(*) FROM order_gateway_streams'), 0, '... and no stream');
	is($books->sql('SET ROLE stranger; SELECT count(*) FROM btse_stream_event'), 0, '... and no event');
	cmp_ok($books->sql('SET ROLE reader; SELECT count(*) FROM btse_book'), '>', 0, 'who may read all does');
	$books->sql('REVOKE USAGE ON FOREIGN SERVER btse FROM other');
	$books->state_ok($two, 'refused', 'who loses the right to use the server follows nothing');
	like($books->sql("SELECT last_error FROM order_gateway_streams WHERE stream_id = $two"),
		qr/permission denied/, '... and it is said why');
	ok(!$books->is_shown('ETH-USD', 0), '... nor is it shown to anybody');
	$books->sql('GRANT USAGE ON FOREIGN SERVER btse TO other');
	$books->state_ok($two, 'live', '... until the right is given back');
	$books->sql('REVOKE EXECUTE ON FUNCTION btse_stream_start FROM other');
	$books->state_ok($two, 'refused', 'the right to start streams is needed as well');
	$books->sql('GRANT EXECUTE ON FUNCTION btse_stream_start TO other');
	$books->state_ok($two, 'live', '... again');
	is($test->session->error("SET ROLE stranger; SELECT btse_stream_stop($two)"), '42501', 'a stranger cannot stop it');
	$books->sql("SET ROLE other; SELECT btse_stream_stop($two)");
	$books->wait_sql('SELECT count(*) FROM order_gateway_streams', '0', '... who started it can');
};

# ----
# What private streams need
# ----

subtest 'an account has a connection of its own' => sub {
	my $book = $books->follow('book', symbol => 'BTC-USD');
	my $fills = $books->follow('fills');
	my ($private) = grep { $_->{open} && exists $_->{topics}{fills} } @{ $sandbox->streams->{connections} };

	is_deeply([ keys %{ $private->{topics} } ], ['fills'], 'fills are alone on it');
	ok($private->{account}, '... which is logged in');
	is($books->sql(q{SELECT message FROM btse_stream_event WHERE event = 'connected' ORDER BY event_id DESC LIMIT 2}),
		join("\n", $sandbox->stream_url, $sandbox->book_stream_url), '... and it is told which connection is which');
	$sandbox->close_streams(url => 'book');
	$books->wait_event('disconnected', 1, 'the other one is lost');
	$books->state_ok($book, 'live', '... and comes back');
	is($books->sql("SELECT reconnects FROM order_gateway_streams WHERE stream_id = $fills"), 0,
		'... which does not touch fills');

	my $mapping = $sandbox->mapping_sql('btse');
	$books->sql('DROP USER MAPPING FOR CURRENT_USER SERVER btse');
	$books->state_ok($fills, 'refused', 'without a mapping they are refused');
	$books->sql($mapping);
	$books->state_ok($fills, 'live', 'with it they are live');
	$books->sql("SELECT btse_stream_stop($_)") foreach $book, $fills;
};

# ----
# Servers that change and go
# ----

subtest 'servers, roles, the extension' => sub {
	my $id = $books->follow('book', symbol => 'BTC-USD');

	$books->sql('ALTER SERVER btse RENAME TO renamed');
	$books->wait_sql("SELECT server || ' ' || state FROM order_gateway_streams", 'renamed live', 'a server may be renamed');
	is($books->sql('SELECT DISTINCT server FROM btse_book'), 'renamed', '... and the book says so');
	$books->sql('ALTER SERVER renamed RENAME TO btse');

	my $url = $sandbox->book_stream_url;
	$books->sql(q{ALTER SERVER btse OPTIONS (SET book_stream_url 'wss://127.0.0.1:1/ws/oss/spot')});
	$books->state_ok($id, 'stale', 'where nobody is, nothing is live');
	ok(!$books->is_shown('BTC-USD', 0), '... and no book is shown');
	$books->sql('ALTER SERVER btse OPTIONS (SET book_stream_url ' . sql_text($url) . ')');
	$books->state_ok($id, 'live', '... until it is told where they are');
	$books->book_ok('BTC-USD', 0, '... with the provider\'s book');

	$books->sql('ALTER SERVER btse OPTIONS (SET sslrootcert \'/etc/hostname\')');
	$books->state_ok($id, 'stale', 'a certificate that is not to be trusted is none');
	$books->sql('DROP USER MAPPING FOR CURRENT_USER SERVER btse');
	$books->sql('DROP SERVER btse CASCADE');
	$books->state_ok($id, 'refused', 'a server may be dropped');
	$books->sql("SELECT btse_stream_stop($id)");
	$books->sql($sandbox->server_sql('btse', streams => 1, rate_limit => 'off') . $sandbox->mapping_sql('btse'));
	$id = $books->follow('book', symbol => 'BTC-USD');

	$books->sql('DROP EXTENSION order_gateway CASCADE');
	$books->wait_sql(q{SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'order_gateway stream worker'},
		'0', 'the extension can be dropped, which stops them');
	is($sandbox->streams->{open}, 0, '... and their connections');
	$sandbox->install($node, extension => 1, streams => 1, rate_limit => 'off');
	$books->wait_sql(q{SELECT pid IS NOT NULL FROM order_gateway_workers}, 't', 'it is made anew');
	$id = $books->follow('book', symbol => 'BTC-USD');

	# The worker of the one before sees both at once, and was asked for the second.
	my $pid = $books->sql(q{SELECT pid FROM pg_stat_activity WHERE backend_type = 'order_gateway stream worker'});

	kill 'STOP', $pid;
	$books->sql('DROP EXTENSION order_gateway CASCADE');
	$sandbox->install($node, extension => 1, streams => 1, rate_limit => 'off');
	sleep 3;
	$id = $books->sql(q{SELECT btse_stream_start('book', 'BTC-USD')});
	kill 'CONT', $pid;
	$books->state_ok($id, 'live', 'what is started in one that came in its place is followed');
	$books->sql("SELECT btse_stream_stop($id)");
};

# ----
# Many
# ----

subtest 'many topics share few connections' => sub {
	my $count = 150;

	$books->sql("SELECT btse_stream_start('book', 'BTC-USD', 0)");
	$books->sql("SELECT btse_stream_start('l1', 'X' || n || '-USD') FROM generate_series(1, $count) AS n");
	$books->wait_sql(q{SELECT state FROM order_gateway_streams WHERE kind = 'book'}, 'live', 'one of them is a market');
	$books->wait_sql(q{SELECT count(*) FROM order_gateway_streams WHERE state = 'refused'}, $count,
		'markets that there are not are refused');
	is($books->sql(q{SELECT string_agg(DISTINCT regexp_replace(last_error, 'X[0-9]+', 'X'), '; ') FROM order_gateway_streams
		WHERE state = 'refused'}), 'the provider answers 1000, The market pair provided is not supported currently., snapshotL1:X-USD', '... and it is said why');
	ok($sandbox->wait_for(streams => 2), 'at most 100 on each, so there are two');
	$books->book_ok('BTC-USD', 0, 'which does not touch the book');

	my $pid = $books->sql(q{SELECT pid FROM pg_stat_activity WHERE backend_type = 'order_gateway stream worker'});
	my $highest = sub { PostgreSQL::Test::Utils::slurp_file("/proc/$pid/status") =~ /^VmHWM:\s*(\d+) kB/m; return $1 / 1024; };
	my $before = $highest->();

	$sandbox->send_stream('{"errors":[' . join(',', ('{"code":1}') x 90_000) . ']}', topic => 'update:BTC-USD_0');
	$books->wait_sql(q{SELECT count(*) > 0 FROM btse_stream_event WHERE event = 'unexpected'}, 't', 'many errors at once are an event');
	cmp_ok($highest->() - $before, '<', 40, '... and cost little memory');
	$books->sql('SELECT btse_stream_stop(stream_id) FROM order_gateway_streams');
	$books->wait_sql('SELECT count(*) FROM order_gateway_streams', '0', 'all can be stopped at once');
};

$sandbox->stop;
done_testing();
