# The ten rules that never bend, and what else a user's statement can run into:
# limits, bounds, errors around a call, and the forms of SQL it may stand in.

use strict;
use warnings;
use utf8;

use List::Util qw(min);
use Test::More;
use Time::HiRes qw(time);

use OrderGateway::Test qw(call_sql letters);

# A proxy in the environment must not be used (rule 8); this one does not exist.
my $test = OrderGateway::Test->start(
	standby => 1,
	options => { rate_limit => 'off' },
	env => { map { $_ => 'http://127.0.0.1:1' }
		  qw(http_proxy https_proxy HTTPS_PROXY all_proxy ALL_PROXY) });
my ($sandbox, $node) = ($test->sandbox, $test->node);
my $session = $test->session;
my $other = $test->session;

$test->servers('hasty', timeout => '1s');
$test->servers('single', providers => ['xt'], batch_size => 1, max_in_flight => 1);

$session->query(q{
	CREATE TABLE orders (order_id bigint PRIMARY KEY, note text);
	INSERT INTO orders SELECT generate_series(1, 10);
	CREATE TABLE cancel_log (order_id bigint UNIQUE, outcome order_outcome)});

# What each test begins with: open orders, and nothing else in the sandbox.
sub fresh
{
	my ($provider, @ids) = @_;

	$test->reset;
	return $test->seed($provider, @ids);
}

sub requests { return @{ $sandbox->requests(provider => $_[0] // 'xt') }; }

sub sent { return join ' ', map { join ',', @{ $_->{ids} } } requests(@_); }

# Cancel what a session is doing.
sub cancel
{
	my ($victim) = @_;

	return $other->value('SELECT pg_cancel_backend(' . $victim->pid . ')');
}

# One test: a session waits for something of this type.
sub waits_ok
{
	my ($victim, $type, $name) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;

	return $test->wait_until(
		sub {
			return $other->value('SELECT wait_event_type = ' . "'$type'"
				  . ' FROM pg_stat_activity WHERE pid = ' . $victim->pid) eq 't';
		},
		$name);
}

# ----
# Rule 1
# ----

fresh('xt', 1 .. 150);
my $rows = $session->call('xt', [ 1 .. 150, 7, 999, 150 ]);
is(letters($rows), 'C*151NC', 'rule 1: each id has a row, an unheard of one too');
is_deeply([ map { $_->{order_id} } @$rows ], [ 1 .. 150, 7, 999, 150 ],
	'rule 1: in input order');
is_deeply([ map { $_->{ordinal} } @$rows ], [ 1 .. 153 ], 'rule 1: exactly one');
is(scalar(@{ $sandbox->executed('xt') }), 150, 'rule 1: repeated ids were sent once');

# ----
# Rule 2
# ----

# Errors come before anything leaves ...
fresh('xt', 1 .. 200);
my $many = join ',', 1 .. 149;
foreach my $case ([ "ARRAY[$many, NULL]", '22004' ], [ "ARRAY[$many, 0]", '22023' ],
	[ "ARRAY[$many, 1.5]", '22023' ], [ "ARRAY[$many, -1]", '22023' ],
	[ "ARRAY[$many]::float8[]", '42804' ])
{
	is($session->error('SELECT * FROM ' . call_sql('xt', $case->[0])), $case->[1],
		'rule 2: the last id may be wrong: ' . substr($case->[0], -12));
}
is_deeply([ requests() ], [], 'rule 2: nothing was sent then');

# ... what the server raises later is an error with a context, and leaves
# lines in the log. The first 12 requests are answered, the next 5 are not.
# The 20 ids that nobody knows are in the first 5 requests.
$test->servers('small', providers => ['xt'], batch_size => 10, max_in_flight => 5);
fresh('xt', 21 .. 250);
$sandbox->arm('black_hole', provider => 'xt', skip => 12, times => 0);
my $mark = $test->trace_mark;
$session->send_call('xt', [ 1 .. 250 ], server => 'xt_small');
ok($sandbox->wait_for(fault => 'black_hole', count => 5, seconds => 100),
	'a call waits for answers');
$test->wait_until(sub { $test->has_told(120) }, '... and 120 ids have theirs');
cancel($session);
my $result = $session->finish;
is($result->{sqlstate}, '57014', 'rule 2: cancelled in mid-call');
like($result->{stderr},
	qr/order_gateway: 120 of 250 ids answered \(100 cancelled\), 50 in flight, 80 not sent/,
	'rule 2: the context gives the counts');
$sandbox->close_connections('reset');
$test->wait_until(sub { my @n = $test->traces($mark); @n == 17 },
	'rule 2: one line per batch sent is left');
my $text = join "\n", $test->traces($mark);
like($text, qr/ 10 not_found \(1, 2, 3, 4, 5, 6, 7, 8, 9, 10\)$/m,
	'... with the ids by outcome');
is(scalar(() = $text =~ /10 cancelled \(/g), 10, '... cancelled');
is(scalar(() = $text =~ /10 unknown \(/g), 5, '... or unknown');
is_deeply([ sort { $a <=> $b } map { split /, / } $text =~ /\(([\d, ]+)\)/g ],
	[ sort { $a <=> $b } map { @{ $_->{ids} } } requests() ],
	'... all that were sent, and none else');
$sandbox->disarm;

fresh('xt', 1 .. 3);
$sandbox->arm('black_hole', provider => 'xt', match_id => 2);
$result = $session->query('SET statement_timeout = 1000; SELECT * FROM '
	  . call_sql('xt', [ 1 .. 3 ], server => 'xt_single'));
is($result->{sqlstate}, '57014', 'rule 2: statement_timeout in mid-call');
like($result->{stderr},
	qr/order_gateway: 1 of 3 ids answered \(1 cancelled\), 1 in flight, 1 not sent/,
	'... has a context, too');
$session->query('RESET statement_timeout');

# The backend is terminated.
fresh('xt', 1 .. 3);
$sandbox->arm('black_hole', provider => 'xt', match_id => 2);
$mark = $test->trace_mark;
my $doomed = $test->session;
$doomed->send_call('xt', [ 1 .. 3 ], server => 'xt_single');
ok($sandbox->wait_for(fault => 'black_hole'), 'a session waits for an answer');
$other->query('SELECT pg_terminate_backend(' . $doomed->pid . ')');
is($doomed->finish->{sqlstate}, '57P01', 'rule 2: terminated in mid-call');
$sandbox->close_connections('reset') if $test->by_worker;
$test->wait_until(
	sub { my $l = join "\n", $test->traces($mark); $l =~ /1 cancelled \(1\)/ && $l =~ /1 unknown \(2\)/ },
	'... leaves its lines');
ok($sandbox->wait_for(phase => $test->by_worker ? 'closed' : 'left'), '... and its connection is gone');

# The statement fails after the call was over.
foreach my $case (
	[ 'SELECT 1 / (ordinal - 2) FROM %s', '22012', 'division by zero on a later row' ],
	[ 'INSERT INTO cancel_log SELECT order_id, outcome FROM %s',
		'23505', 'a constraint violation in INSERT ... SELECT' ],
	[ 'WITH c AS MATERIALIZED (SELECT * FROM %s) SELECT (message || code)::int FROM c',
		'22P02', 'a bad cast behind a CTE' ])
{
	my ($sql, $sqlstate, $what) = @$case;

	fresh('xt', 1 .. 3);
	$session->query('TRUNCATE cancel_log; INSERT INTO cancel_log VALUES (3)');
	$mark = $test->trace_mark;
	is($session->error(sprintf $sql,
			call_sql('xt', q{'{1, 2, 3, 4}'}, type => 'bigint[]')),
		$sqlstate, "rule 2: $what");
	$test->wait_until(
		sub { join("\n", $test->traces($mark)) =~
			  /batch 1: 3 cancelled \(1, 2, 3\), 1 not_found \(4\)/ },
		'... leaves its line');
}

# Rows that are lost after their statement ended well.
$session->query(q{CREATE TABLE parents (id bigint PRIMARY KEY);
	CREATE TABLE children (id bigint REFERENCES parents DEFERRABLE INITIALLY DEFERRED)});
for my $case (
	[ 'a deferred constraint at COMMIT',
		'INSERT INTO children SELECT order_id FROM %s', '23503' ],
	[ 'ROLLBACK', 'BEGIN; SELECT FROM %s; ROLLBACK' ],
	[ 'ROLLBACK TO a savepoint',
		'BEGIN; SAVEPOINT s; SELECT FROM %s; ROLLBACK TO s; COMMIT' ],
	[ 'ROLLBACK after a released savepoint',
		'BEGIN; SAVEPOINT s; SELECT FROM %s; RELEASE s; ROLLBACK' ],
	[ 'a block that fails later',
		q{DO $$ BEGIN PERFORM FROM %s; RAISE 'no'; END $$}, 'P0001' ],
	[ 'a cursor whose block fails',
		q{DO $$ DECLARE c refcursor; BEGIN BEGIN
			OPEN c FOR SELECT order_id FROM %s; MOVE c; RAISE 'no';
			EXCEPTION WHEN others THEN END; END $$} ])
{
	my ($what, $sql, $sqlstate) = @$case;
	my $statement = sprintf $sql,
	  call_sql('xt', q{'{1, 2, 3, 4}'}, type => 'bigint[]');

	fresh('xt', 1 .. 3);
	$mark = $test->trace_mark;
	if ($sqlstate)
	{
		is($session->error($statement), $sqlstate, "rule 2: $what");
	}
	else
	{
		$session->query($statement);
		is($session->stderr, '', "rule 2: $what");
	}
	$test->wait_until(
		sub { join("\n", $test->traces($mark)) =~
			  /batch 1: 3 cancelled \(1, 2, 3\), 1 not_found \(4\)/ },
		'... leaves its line');
	is(() = $test->traces($mark), 1, '... once');
}
$session->query('DROP TABLE children, parents');

# A call that fails in a cursor from outside of its savepoint ends there, not
# when the cursor does.
fresh('xt', 1 .. 3);
$sandbox->arm('black_hole', provider => 'xt');
$mark = $test->trace_mark;
$session->query(sprintf q{BEGIN; DECLARE c CURSOR FOR SELECT outcome FROM %s;
	SAVEPOINT s; SET LOCAL statement_timeout = '300ms'},
	call_sql('xt', [ 1 .. 3 ], type => 'bigint[]'));
is($session->error('FETCH c'), '57014', 'rule 2: a cursor from outside of a savepoint');
$sandbox->close_connections('reset') if $test->by_worker;
ok($sandbox->wait_for(open => 0), '... keeps no connection');
$session->query('ROLLBACK TO s');
like(join("\n", $test->traces($mark)),
	qr/batch 1: 3 unknown \(1, 2, 3\)/, '... nor its line');
is(letters($session->call('xt', [4])), 'N', '... and the next call works');
$session->query('COMMIT');
is(sent(), '1,2,3 4', '... and nothing was sent later');

# And none where all went well.
fresh('xt', 1 .. 300);
$session->query('TRUNCATE cancel_log');
my $log = $test->log_end;
$session->query('INSERT INTO cancel_log SELECT order_id, outcome FROM '
	  . call_sql('xt', [ 1 .. 300 ], type => 'bigint[]'));
is($session->stderr, '', 'a call that goes well');
$session->query(q{DO $$ BEGIN RAISE EXCEPTION 'something else'; EXCEPTION WHEN others THEN END $$;
	SELECT 1/0});
unlike($test->log_from($log), qr/order_gateway:/, '... leaves nothing in the log');

# ----
# Rule 3
# ----

foreach my $provider ($sandbox->providers)
{
	foreach my $fault (qw(close_before close_after))
	{
		fresh($provider, 1);
		$sandbox->arm($fault, provider => $provider);
		is(letters($session->call($provider, [1])), 'U',
			"rule 3: $provider $fault: what is not known is not guessed");
		is($sandbox->truth($provider)->{1},
			$fault eq 'close_after' ? 'cancelled' : 'open',
			'... in either direction');
	}
}

# ----
# Rule 4
# ----

foreach my $provider ($sandbox->providers)
{
	foreach my $case (
		[ 'close_kept_next', {} ],
		[ 'close_kept_next', { goodbye => 0 } ],
		[ 'close_kept_next', { how => 'reset' } ],
		[ 'http_503', { headers => { 'Retry-After' => '0' } } ],
		[ 'redirect', { status => 307 } ],
		[ 'http_408', {} ])
	{
		my ($fault, $args) = @$case;

		fresh($provider, 1, 2);
		is(letters($session->call($provider, [1])), 'C',
			"$provider: a connection is kept");
		$sandbox->arm($fault, provider => $provider, process => 1, %$args);
		is(letters($session->call($provider, [2])), 'U',
			"rule 4: $fault: may have been executed");
		is(sent($provider), '1 2', '... and was not sent again');
	}
}

# "Too frequent" means not processed: only those go again.
fresh('xt', 1 .. 8);
$sandbox->arm('too_frequent', provider => 'xt', ids => [ 2, 4, 6 ], times => 1);
$rows = $session->call('xt', [ 1 .. 8 ]);
is(letters($rows), 'C*8', 'rule 4: XT 124 for some ids: they go again');
is(sent(), '1,2,3,4,5,6,7,8 2,4,6', '... without those already answered');
is_deeply([ map { $_->{attempts} } @$rows ], [ 1, 2, 1, 2, 1, 2, 1, 1 ],
	'... as attempts tells');
is_deeply([ map { $_->{batch} } @$rows ], [ (1) x 8 ], '... in the same batch');
cmp_ok($rows->[1]{sent_at}, '>', $rows->[0]{answered_at}, '... later');
$test->promises_ok('xt', $rows, '... and all is true');

# No end to it: the retries are used up, with growing pauses.
fresh('xt', 1 .. 3);
$sandbox->arm('too_frequent', provider => 'xt', ids => [2], times => 0);
$rows = $session->call('xt', [ 1 .. 3 ]);
is(letters($rows), 'CRC', 'rule 4: XT 124 to the end: rejected');
is_deeply([ @{ $rows->[1] }{qw(attempts code)} ], [ 3, '124' ], '... after retries + 1');
is(sent(), '1,2,3 2 2', '... and asked for no more');
my @arrived = map { $_->{arrived_at} } requests();
cmp_ok($arrived[2] - $arrived[1], '>', $arrived[1] - $arrived[0], '... with backoff');
$test->promises_ok('xt', $rows, '... and all is true');

# Retry-After, in seconds or as a date, for the whole lane.
foreach my $form (qw(seconds date))
{
	fresh('xt', 1 .. 3);
	$sandbox->arm('retry_after', provider => 'xt', seconds => 2, form => $form);
	$rows = $session->call('xt', [ 1 .. 3 ], server => 'xt_single');
	is(letters($rows), 'CCC', "Retry-After as $form");
	is_deeply([ map { $_->{attempts} } @$rows ], [ 2, 1, 1 ], '... sent again');
	my @requests = requests();
	cmp_ok(min(map { $_->{arrived_at} } @requests[ 1 .. $#requests ])
		  - $requests[0]{answered_at}, '>=', 1.9,
		'... not before its time, and neither was anything else');
	is(scalar(@requests), 4, '... and once only');
}

# ----
# Bounds
# ----

# The hour is kept by the whole account, so it is one of its own.
$test->own_server('xt', 'xt_patient', max_wait => '2s');
$test->reset;
$sandbox->arm('retry_after', provider => 'xt', seconds => 3600);
my $start = time;
$rows = $session->call('xt', [1], server => 'xt_patient');
is(letters($rows), 'R', 'max_wait ends a Retry-After of an hour with what was said');
is_deeply([ @{ $rows->[0] }{qw(attempts http_status)} ], [ 1, 429 ], '... at once');
cmp_ok(time - $start, '<', 60, '... without waiting for it');
is(letters($session->call('xt', [2], server => 'xt_patient')), '-',
	'... and a later call does not send before the hour is over');

$test->servers('bounded', providers => ['xt'], call_timeout => '2s', batch_size => 1, max_in_flight => 1);
fresh('xt', 1 .. 4);
$sandbox->arm('black_hole', provider => 'xt', match_id => 2);
$rows = $session->call('xt', [ 1 .. 4, 1 ], server => 'xt_bounded');
is(letters($rows), 'CU--C', 'call_timeout: the rows come back');
like($rows->[1]{message}, qr/call_timeout/, '... with what was given up');
like($rows->[2]{message}, qr/call_timeout/, '... and what was not sent');
ok($sandbox->wait_for(phase => 'left'), '... and the request was');
$test->promises_ok('xt', $rows, '... all truly');

fresh('xt', 1, 2);
is(letters($session->call('xt', [1], server => 'xt_hasty')), 'C', 'a connection');
$sandbox->arm('black_hole', provider => 'xt');
$rows = $session->call('xt', [2], server => 'xt_hasty');
is(letters($rows), 'U', 'timeout: no answer');
ok($rows->[0]{sent_at}, '... it was sent');
is_deeply([ @{ $rows->[0] }{qw(http_status answered_at response attempts)} ],
	[ undef, undef, undef, 1 ], '... and nothing came back');

$test->servers('frugal', max_response_size => '64kB');
foreach my $declared (1, 0)
{
	fresh('xt', 1);
	$sandbox->arm('oversize', provider => 'xt', bytes => 65537, declared => $declared);
	is(letters($session->call('xt', [1], server => 'xt_frugal')), 'U',
		'max_response_size: one byte more');
	fresh('xt', 1);
	$sandbox->arm('oversize', provider => 'xt', bytes => 65536, declared => $declared);
	is(letters($session->call('xt', [1], server => 'xt_frugal')), 'C', '... or not');
}

fresh('xt', 1 .. 300);
$sandbox->arm('extra_rows', provider => 'xt', ids => [ 998, 999 ], times => 0);
is(letters($session->call('xt', [ 1 .. 300 ])), 'C*300', 'rows nobody asked for');
is_deeply([ $session->stderr =~ /WARNING: .*answered about (\d+) orders?\b/g ], [6],
	'... one WARNING counts them');

# ----
# Rule 5
# ----

fresh('btse', 'bystander', '10');
foreach my $id ("''", "' '", "'  '", "E'\\t'", "E'\\n'", "U&'\\00a0'", "U&'\\3000'",
	"U&'\\200b '", "U&'\\200b'", "U&'\\feff'", 'NULL', "' 10'", "'10 '")
{
	foreach my $by (qw(order_id client_order_id))
	{
		like($session->error('SELECT * FROM '
				  . call_sql('btse', "ARRAY[$id]::text[]", by => $by)),
			qr/^2200?[24]|^22023/, "rule 5: id $id by $by is refused");
	}
}
is_deeply([ requests('btse') ], [], 'rule 5: nothing was sent then');
my @odd = ('&', '=', '&symbol=', '%00', '%20', '+', '#', '?', ';', '10&x', '*',
	'null', '0', '""', '[]', "a\x{200b}");
foreach my $by (qw(order_id client_order_id))
{
	is(letters($session->call('btse', \@odd, by => $by)), 'N*' . @odd,
		"rule 5: odd ids by $by name only themselves");
}
is(scalar(grep { $_->{action} =~ /cancel_all|cancelled/ } @{ $sandbox->processed('btse') }),
	0, 'rule 5: no order was touched that was not named');
is($sandbox->truth('btse')->{bystander}, 'open', '... not even one');
foreach my $provider ($sandbox->providers)
{
	fresh($provider, 1 .. 3);
	$session->call($provider, $_) foreach [], 'NULL::text[]';
	is_deeply([ requests($provider) ], [], "rule 5: $provider: no ids, no request");
}

# ----
# Rule 6
# ----

my @numbers = qw(9007199254740993 6216559590087220004 9223372036854775807
  9999999999999999999 1000000000000000000);
foreach my $type (qw(numeric text))
{
	fresh('xt', @numbers);
	$rows = $session->call('xt', \@numbers, type => "$type\[]");
	is(letters($rows), 'CCCCC', "rule 6: ids beyond a double as $type");
	is_deeply([ map { $_->{order_id} } @$rows ], \@numbers, '... come back exact');
	is(sent(), join(',', @numbers), '... and arrived exact');
	is_deeply([ map { $_->{response} =~ /"id": ?(\d+)/ } @$rows ], \@numbers,
		'... with the provider\'s own bytes');
}
$test->reset;
$sandbox->seed('btse', market => 'BTC-USD', ids => ['1'],
	fields => { price => '0.0000000060', originalOrderBaseSize => '12345678901234567.10',
		avgFilledPrice => '1E+2' });
($rows) = $session->call('btse', [1]);
like($rows->[0]{response}, qr/"price": ?0\.0000000060\b/, 'rule 6: prices are not re-spelled');
like($rows->[0]{response}, qr/12345678901234567\.10\b/, '... nor amounts');
like($rows->[0]{response}, qr/1E\+2\b/, '... nor exponents');

# ----
# Rule 7
# ----

my %secret;
foreach my $provider ($sandbox->providers)
{
	my $credentials = $sandbox->credentials($provider);

	delete $credentials->{sid};
	$secret{$_} = 1 foreach map { split /:/ } values %$credentials;
}
cmp_ok(scalar(keys %secret), '>=', 7, 'there are secrets to look for');
my $secret = join '|', map { quotemeta } sort keys %secret;

$log = $test->log_end;
my $verbose = $test->session;
$verbose->query('SET log_min_messages = debug5; SET client_min_messages = debug5;'
	  . 'SET log_error_verbosity = verbose');
my $heard = '';
foreach my $provider ($sandbox->providers)
{
	fresh($provider, 1 .. 4);
	foreach my $fault (undef, 'garbage', 'status', 'too_frequent', 'redirect')
	{
		$sandbox->arm($fault, provider => $provider,
			$fault eq 'status' ? (status => 401) : ()) if defined $fault;
		$verbose->call($provider, [1]);
		$heard .= $verbose->stderr;
		$sandbox->disarm;
	}
	foreach my $sql ('SELECT 1/(ordinal - 1) FROM ' . call_sql($provider, [2]),
		'SELECT * FROM ' . call_sql($provider, ['']),
		'SELECT count(*) FROM ' . (call_sql($provider, [2]) =~ s/_cancel\(/_cancel_preview(/r))
	{
		$verbose->query($sql);
		$heard .= $verbose->stderr;
	}
}
$log = $test->log_from($log);
like($log, qr/DEBUG/, 'rule 7: the log is at debug5');
unlike($log, qr/$secret/, 'rule 7: no secret in the log');
unlike($heard, qr/$secret/, 'rule 7: nor in what the client is told');
$verbose->quit;

my @found;
foreach my $file (glob($node->data_dir . '/{*,pg_stat_tmp/*,pg_stat/*}'))
{
	next unless -f $file;
	push @found, $file
	  if PostgreSQL::Test::Utils::slurp_file($file) =~ /$secret/;
}
is_deeply(\@found, [], 'rule 7: nor in any file of ours');

# ----
# Rule 8
# ----

fresh('xt', 1);
is(letters($session->call('xt', [1])), 'C', 'rule 8: a proxy in the environment is not used');
my ($request) = requests();
ok(!exists $request->{headers}{'accept-encoding'}, 'rule 8: no compressed answers');
my @versions = map { $_->{tls} // () } @{ $sandbox->connections(port => 'tls')->{connections} };
is(scalar(grep { !/^TLSv1\.[23]$/ } @versions), 0, 'rule 8: TLS 1.2 or newer')
  or diag("@versions");
fresh('xt', 1);
$sandbox->arm('redirect', provider => 'xt', status => 307,
	location => $sandbox->base_url('xt') . '/trade/api/v1/batchCancel?key=query-secret');
$rows = $session->call('xt', [1]);
is(letters($rows), 'U', 'rule 8: a redirect is not followed');
like($rows->[0]{message}, qr{307 redirect to https://localhost:\d+/xt/trade/api/v1/batchCancel},
	'... the message names where to');
unlike($rows->[0]{message}, qr/query-secret/, '... without its query');
is(scalar(requests()), 1, '... and nothing went there');

# ----
# Rule 9
# ----

fresh('xt', 1 .. 9);
is($session->error('BEGIN READ ONLY; SELECT * FROM ' . call_sql('xt', [1])), '25006',
	'rule 9: refused in a READ ONLY transaction');
$session->query('ROLLBACK');
foreach my $list ('(%s).*', '%s', '(SELECT %s LIMIT 1)', '1, (%s).outcome')
{
	$result = $session->query('SELECT ' . sprintf $list, call_sql('xt', [1]));
	is($result->{sqlstate}, '0A000', 'rule 9: refused in a target list: ' . sprintf $list, 'f(x)');
}
like($result->{stderr}, qr/HINT: .*FROM batch_cancel/, '... with a hint');

$node->safe_psql('postgres', q{
	CREATE ROLE clerk LOGIN;
	CREATE FUNCTION lend(ids bigint[])
	RETURNS TABLE (order_id bigint, outcome order_outcome)
	LANGUAGE sql SECURITY DEFINER
	AS $$SELECT order_id, outcome FROM batch_cancel('btc_usdt', ids)$$});
my $clerk = $test->session(user => 'clerk');
my $mine = 'SELECT outcome FROM ' . call_sql('xt', [1]);
is($clerk->error($mine), '42501', 'rule 9: a role without any right');
$node->safe_psql('postgres', 'GRANT EXECUTE ON FUNCTION batch_cancel TO clerk');
is($clerk->error($mine), '42501', 'rule 9: ... without USAGE');
$node->safe_psql('postgres', 'GRANT USAGE ON FOREIGN SERVER xt TO clerk');
is($clerk->error($mine), '42704', 'rule 9: ... without a mapping');
is_deeply([ requests() ], [], 'rule 9: nothing was sent');
is($clerk->value(q{SELECT outcome FROM lend('{1}')}), 'cancelled',
	'rule 9: a SECURITY DEFINER function lends its account');
$node->safe_psql('postgres', $sandbox->mapping_sql('xt', role => 'clerk'));
is($clerk->value('SELECT outcome FROM ' . call_sql('xt', [2])), 'cancelled',
	'rule 9: with all of them, it may');
$clerk->quit;

my $standby = $test->standby;
fresh('xt', 1);
my $reader = $test->session(node => $standby);
is($reader->error('SELECT * FROM ' . call_sql('xt', [1])), '25006',
	'rule 9: refused on a standby');
is_deeply([ requests() ], [], '... and nothing was sent');
$reader->quit;
$standby->stop('immediate');

# ----
# Rule 10
# ----

$test->servers('mute', kind => 'mute');

# A wait, by what brings it about: server, fault, its arguments, how we see it.
my @waits = (
	[ 'an answer', 'xt', 'black_hole', {}, sub { $sandbox->wait_for(fault => 'black_hole') } ],
	[ 'the rest of an answer', 'xt', 'slow_bytes', { ms => 60_000 },
		sub { $sandbox->wait_for(fault => 'slow_bytes') } ],
	[ 'backoff', 'xt', 'retry_after', { seconds => 120 },
		sub { $sandbox->wait_for(phase => 'answered') } ],
	[ 'TLS', 'xt_mute', undef, {},
		sub { $sandbox->wait_for(phase => 'accepted', port => 'mute') } ],
);
foreach my $wait (@waits)
{
	my ($what, $server, $fault, $args, $seen) = @$wait;
	my $name = $server eq 'xt' ? "xt_wait_$fault" : $server;

	$test->own_server('xt', $name) if $server eq 'xt';
	$test->reset;
	$sandbox->settings(accept_any_id => 'on');
	$sandbox->arm($fault, provider => 'xt', %$args) if defined $fault;
	$session->send_call('xt', [1], server => $name);
	ok($seen->(), "a call waits for $what");
	waits_ok($session, 'Extension', '... asleep');
	$start = time;
	cancel($session);
	is($session->finish->{sqlstate}, '57014', "rule 10: cancelled while it waits for $what");
	cmp_ok(time - $start, '<', 5, '... soon');
	$sandbox->disarm;
	fresh('xt', 2);
	is(letters($session->call('xt', [2], server => 'xt')), 'C', '... and the session goes on');
}

# ----
# Statements around a call
# ----

# The rows of the table that the call is joined with are changed by somebody
# else while it runs.
my $call = call_sql('xt', q{'{1, 2, 3}'}, type => 'bigint[]');
foreach my $sql (
	"UPDATE orders o SET note = c.outcome FROM $call c WHERE o.order_id = c.order_id",
	"WITH c AS (SELECT * FROM $call)"
	. ' UPDATE orders o SET note = c.outcome FROM c WHERE o.order_id = c.order_id',
	'INSERT INTO cancel_log SELECT c.order_id, c.outcome'
	. " FROM $call c JOIN orders o ON o.order_id = c.order_id FOR UPDATE OF o",
	"DELETE FROM orders o USING $call c WHERE o.order_id = c.order_id")
{
	fresh('xt', 1 .. 3);
	$session->query('TRUNCATE cancel_log');
	$other->query("BEGIN; UPDATE orders SET note = 'mine' WHERE order_id IN (1, 2, 3)");
	$session->send($sql);
	waits_ok($session, 'Lock', 'a statement meets a concurrent update');
	$other->query('COMMIT');
	is($session->finish->{stderr}, '', '... goes on after it: ' . ($sql =~ s/ FROM.*//r));
	is(sent(), '1,2,3', '... and has sent once');
}
is($session->value('SELECT count(*) FROM orders'), 7, '... and done its work');

fresh('xt', 1 .. 5);
is($session->value(q{SELECT string_agg(v.n || ':' || c.order_id || ':' || c.outcome, ' ' ORDER BY v.n, c.ordinal)
	FROM (VALUES (1, ARRAY[1, 2]), (2, ARRAY[3]), (3, NULL), (4, ARRAY[5, 9])) AS v (n, ids),
		LATERAL batch_cancel('btc_usdt', v.ids) AS c}),
	'1:1:cancelled 1:2:cancelled 2:3:cancelled 4:5:cancelled 4:9:not_found',
	'LATERAL calls');
is(sent(), '1,2 3 5,9', '... one for each row');

fresh('xt', 1 .. 5);
$mark = $test->trace_mark;
is($session->error(q{SELECT 1 / (c.order_id - 5)
	FROM (VALUES (1, ARRAY[1, 2]), (2, ARRAY[3]), (3, ARRAY[5])) AS v (n, ids),
		LATERAL batch_cancel('btc_usdt', v.ids) AS c}), '22012',
	'an error after several LATERAL calls');
$test->wait_until(
	sub { my $l = join "\n", $test->traces($mark); 3 == grep { $l =~ /cancelled \($_\)/ } '1, 2', '3', '5' },
	'... leaves a line for each of them');

fresh('xt', 1 .. 5);
is_deeply($session->query('BEGIN; DECLARE c SCROLL CURSOR FOR SELECT order_id FROM '
		  . call_sql('xt', [ 1 .. 5 ])
		  . '; FETCH 2 FROM c; MOVE BACKWARD ALL IN c; FETCH ALL FROM c; COMMIT')->{lines},
	[ 1, 2, 1 .. 5 ], 'a cursor');
is(sent(), '1,2,3,4,5', '... sends once');

fresh('xt', 1 .. 5);
$mark = $test->trace_mark;
$session->query('DO $$ BEGIN PERFORM 1 / (ordinal - 1) FROM ' . call_sql('xt', [ 1, 2 ])
	  . '; EXCEPTION WHEN division_by_zero THEN PERFORM FROM ' . call_sql('xt', [3])
	  . '; END $$');
is($session->stderr, '', 'an exception handler');
is(sent(), '1,2 3', '... calls again');
like(join("\n", $test->traces($mark)), qr/2 cancelled \(1, 2\)/,
	'... and what was rolled back is told');
unlike(join("\n", $test->traces($mark)), qr/\(3\)/, '... and nothing else') if !$test->by_worker;

fresh('xt', 1 .. 5);
$sandbox->arm('black_hole', provider => 'xt', match_id => 1);
$session->send('DO $$ BEGIN PERFORM FROM ' . call_sql('xt', [1])
	  . '; EXCEPTION WHEN query_canceled THEN PERFORM FROM ' . call_sql('xt', [3])
	  . '; END $$');
ok($sandbox->wait_for(fault => 'black_hole'), 'a handler of query_canceled');
cancel($session);
is($session->finish->{stderr}, '', '... catches a cancelled call');
is(sent(), '1 3', '... and calls again');
is($other->value(q{SELECT count(*) FROM pg_locks JOIN pg_stat_activity USING (pid)
	WHERE locktype IN ('advisory', 'userlock') AND backend_type = 'client backend'}), 0, '... and no lock is left');

# The extension goes and comes back.
$node->safe_psql('postgres', 'CREATE DATABASE again');
my $again = $test->session(database => 'again');
foreach my $time (1 .. 3)
{
	$sandbox->install(sub { $again->query($_[0]) }, extension => 1, rate_limit => 'off');
	is($again->stderr, '', "CREATE EXTENSION, time $time");
	fresh('xt', 1, 2);
	is(letters($again->call('xt', [ 1, 2, 3 ])), 'CCN', '... and it works');
	$again->query('DROP EXTENSION order_gateway CASCADE');
}
$again->quit;

# A database that cannot hold what providers say.
$node->safe_psql('postgres',
	q{CREATE DATABASE latin1 ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0});
my $latin1 = $test->session(database => 'latin1');
$sandbox->install(sub { $latin1->query($_[0]) }, extension => 1, rate_limit => 'off');
foreach my $provider ($sandbox->providers)
{
	fresh($provider, 1);
	is($latin1->error('SELECT * FROM ' . call_sql($provider, [1])), '0A000',
		"$provider: a LATIN1 database is refused");
	is_deeply([ requests($provider) ], [], '... before anything is sent');
}
$latin1->quit;

# ----
# Pace. The sandbox is told to forgive 100 ms, because what is late here may be
# this machine.
# ----

sub paced
{
	$test->reset;
	$sandbox->settings(pace => 'on', pace_tolerance_ms => 100, accept_any_id => 'on');
	return;
}

$test->own_server('xt', 'xt_paced', rate_limit => undef);
paced();
$rows = $session->call('xt', [ 1 .. 2500 ], server => 'xt_paced');
is(letters($rows), 'C*2500', 'pace: 25 batches at 10 a second');
is($sandbox->pace->{violations}, 0, '... no violation');
cmp_ok($rows->[-1]{sent_at} - $rows->[0]{sent_at}, '>=', 2, '... as it takes its time');

$test->own_server('tronsave', 'tronsave_paced', rate_limit => undef);
paced();
is(letters($session->call('tronsave', [ 1 .. 200 ], server => 'tronsave_paced')),
	'C*200', 'pace: two batches at TronSave');
is($sandbox->pace->{violations}, 0, '... no violation');

$test->own_server('btse', 'btse_paced', rate_limit => undef);
paced();
is(letters($session->call('btse', [ 1 .. 100 ], server => 'btse_paced')),
	'C*100', 'pace: 100 orders at BTSE');
is($sandbox->pace->{violations}, 0, '... no violation');

# Two sessions, one account: both send at once.
sub is_under_way
{
	paced();
	$sandbox->arm('black_hole', provider => 'xt', match_id => 1);
	$session->send_call('xt', $_[0], server => 'xt_shared');
	return ok($sandbox->wait_for(fault => 'black_hole'), 'pace: a call is under way');
}

$test->own_server('xt', 'xt_shared', rate_limit => undef, batch_size => 1);
my $second = $test->session;
is_under_way([ 1 .. 12 ]);
is(letters($second->call('xt', [ 101 .. 112 ], server => 'xt_shared')), 'C*12',
	'... another of the same account need not wait for its end');
$sandbox->disarm;
is(letters($session->finish_call), 'UC*11', '... which comes later');
is(scalar(requests()), 24, '... each id was sent once');
is($sandbox->pace->{violations}, 0, '... and no violation');

is_under_way([1]);
is(letters($second->call('xt', [3], server => 'xt_paced')), 'C',
	'another account need not wait either');
$sandbox->disarm;
is(letters($session->finish_call), 'U', '... for the first');

# Nonces, over sessions that call in turn.
foreach my $provider (qw(xt btse))
{
	$test->own_server($provider, "${provider}_nonce", max_in_flight => 1);
	$test->reset;
	$sandbox->settings(accept_any_id => 'on', reject_nonce => 'on');
	my @outcomes = map {
		letters(($_ % 2 ? $session : $second)
			->call($provider, [ 1 .. 3 ], server => "${provider}_nonce"))
	} 1 .. 20;
	is_deeply([ grep { $_ ne 'CCC' && $_ ne 'NNN' } @outcomes ], [],
		"$provider: calls of two sessions in turn");
	my ($nonces) = grep { $_->{provider} eq $provider } @{ $sandbox->pace->{nonces} };
	is_deeply([ @$nonces{qw(repeated backwards)} ], [ 0, 0 ],
		'... with nonces that only increase');
}

# What was sent without a limit counts for those who have one.
$test->own_server('xt', 'xt_hurried', batch_size => 1);
$node->safe_psql('postgres',
	$sandbox->server_sql('xt', name => 'xt_careful', batch_size => 1)
	  . $sandbox->mapping_sql('xt', name => 'xt_careful',
		map { $_ => $sandbox->credentials('xt')->{$_} . '-xt_hurried' }
		  qw(access_key secret_key)));
paced();
is(letters($session->call('xt', [ 1 .. 10 ], server => 'xt_hurried')), 'C*10',
	"rate_limit 'off'");
is(letters($second->call('xt', [ 11 .. 15 ], server => 'xt_careful')), 'CCCCC',
	'... is remembered by another session with a limit');
is($sandbox->pace->{violations}, 0, '... no violation');

# ----
# Turns that are a minute apart. New memory knows nothing of a minute before it
# was made.
# ----

$test->wait_out_doubt(60);
$test->own_server('xt', 'xt_slow', rate_limit => '1/60s per key', max_wait => '1s',
	batch_size => 1);
fresh('xt');
$sandbox->settings(accept_any_id => 'on');
$rows = $session->call('xt', [ 1 .. 3 ], server => 'xt_slow');
is(letters($rows), 'C--', 'max_wait: no turn in time');
like($rows->[1]{message}, qr/max_wait/, '... is told');
is_deeply([ map { $_->{attempts} } @$rows ], [ 1, 0, 0 ], '... and was not tried');
is(sent(), '1', '... nor sent');

# Servers of one account.
my %slower = map { $_ => $sandbox->credentials('xt')->{$_} . '-xt_slower' }
  qw(access_key secret_key);
my %pace = (rate_limit => '1/60s per key', batch_size => 1);

$test->own_server('xt', 'xt_slower', %pace);
$node->safe_psql('postgres',
	$sandbox->server_sql('xt', name => 'xt_impatient', %pace, max_wait => '1s')
	  . $sandbox->mapping_sql('xt', name => 'xt_impatient', %slower));
fresh('xt');
$sandbox->settings(accept_any_id => 'on');
$session->send_call('xt', [ 1 .. 3 ], server => 'xt_slower');
ok($sandbox->wait_for(requests => 1), 'a call that has to wait for its turn');
waits_ok($session, 'Extension', 'rule 10: ... waits');

# Others wait behind it.
$second->send_call('xt', [4], server => 'xt_slower');
$test->wait_until(sub { $test->waiting_sessions == 2 }, '... a second one behind it');
waits_ok($second, 'Extension', '... asleep');
$start = time;
$rows = $other->call('xt', [5], server => 'xt_impatient');
is(letters($rows), '-', '... a third one no longer than max_wait');
cmp_ok(time - $start, '<', 20, '... which is not much');
is($rows->[0]{message}, 'its turn did not come within max_wait', '... as it says');
is(letters($other->call('xt', [6])), 'C', '... and other accounts not at all');
cancel($second);
is($second->finish->{sqlstate}, '57014', 'rule 10: a wait behind others can be cancelled');
like($second->stderr, qr/0 of 1 ids answered \(0 cancelled\), 0 in flight, 1 not sent/,
	'... with its count');
cancel($session);
$result = $session->finish;
like($result->{stderr}, qr/NOTICE: .*wait for about \d+ seconds/,
	'a wait of more than a minute is announced');
is($result->{sqlstate}, '57014', 'rule 10: a wait for a turn can be cancelled');
is($test->waiting_sessions, 0, '... and nobody waits any more');
is(sent(), '1 6', '... and nothing else was sent');

$session->quit;
$second->quit;
is($sandbox->stderr_text, '', 'the sandbox has nothing to complain about');
done_testing();
