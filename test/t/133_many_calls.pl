# Two hundred calls at once in one process, as a worker will make them: none
# delays another, be it hung, held back by its witness, given up, or in a queue
# with others for the same turns; and a witness who never says yes lets nothing
# leave.

use strict;
use warnings;
use utf8;
use feature 'state';

use Test::More;

use OrderGateway::Many;
use OrderGateway::Test qw(letters sql_array);

my $many = OrderGateway::Many->build;

my $test = OrderGateway::Test->start(preload => 0,
	options => { rate_limit => 'off', timeout => '100s', max_in_flight => 1 });
my $sandbox = $test->sandbox;
my $session = $test->session;
my $other = $test->session;
my @PROVIDERS = $sandbox->providers;

$sandbox->settings(accept_any_id => 'on');
$test->own_server('xt', 'xt_paced', rate_limit => '15/1s per key');
$many->install($session);
$test->own_server('xt', 'xt_by_two', batch_size => 1, max_in_flight => 2);

sub many_calls
{
	my (@calls) = @_;

	return 'SELECT * FROM many_calls('
	  . sql_array(map { $_->[0] } @calls) . '::name[], '
	  . sql_array(map { $_->[1] } @calls) . ', '
	  . sql_array(map { $_->[2] } @calls) . ') ORDER BY job';
}

# Server, id and mode of each.
my @jobs = map { [ $PROVIDERS[ $_ % @PROVIDERS ], 1000 + $_, 'plain' ] } 1 .. 151;
push @jobs, map { [ $_ % 2 ? 'xt' : 'btse', 0, 'read' ] } 1 .. 6;
push @jobs, map { [ 'xt_paced', 5000 + $_, 'plain' ] } 1 .. 40;
splice @jobs, 20, 0, [ 'btse', 7001, 'hung' ];
splice @jobs, 40, 0, [ 'xt', 7002, 'held' ];
splice @jobs, 60, 0, [ 'tronsave', 7003, 'cancelled' ];
is(scalar @jobs, 200, 'there are 200 calls');

foreach my $hung ([ 'btse', 7001 ], [ 'tronsave', 7003 ])
{
	$sandbox->arm('black_hole', provider => $hung->[0], match_id => $hung->[1]);
}
$session->send(many_calls(@jobs));

# Until the hung one is let go, it and the one that is held go on.
my $running = "SELECT string_agg(server, ',' ORDER BY server)"
  . " FROM order_gateway_activity WHERE function = 'many_calls'";
$test->wait_until(sub { ($other->value($running) // '') eq 'btse,xt' },
	'all others are over');
is(scalar(grep { "@{ $_->{ids} // [] }" =~ /\b7002\b/ } @{ $sandbox->requests }), 0,
	'nothing left that the witness held');
is($other->value("SELECT string_agg(waiting_for, ' ' ORDER BY server) FROM order_gateway_activity"),
	'answer journal', 'one waits for its answer, the other to be let go');
$sandbox->disarm;
my $result = $session->finish;
is($result->{sqlstate} // '', '', 'they end') or diag($session->stderr);
my @rows = map { my %row; @row{qw(job finished outcome message asked left shown closed)} = split /\|/, $_, -1; \%row }
  @{ $result->{lines} };

is(scalar @rows, 200, '... with a row of each');
is($rows[0]{shown}, 200, 'all were seen at once');

my (%mode, @plain);
foreach my $row (@rows)
{
	my $mode = $jobs[ $row->{job} - 1 ][2];

	$mode{$mode} = $row;
	push @plain, $row if $mode eq 'plain';
}
is(scalar(grep { $_->{outcome} eq 'read' && $_->{finished} <= 197 } @rows), 6,
	'reads go between them');
is(scalar(grep { $_->{outcome} eq 'cancelled' && $_->{left} == 1 } @plain), 191,
	'each plain one was cancelled by one request')
  or diag(explain([ grep { $_->{outcome} ne 'cancelled' } @plain ]));
is(scalar(grep { $_->{finished} > 197 } @plain), 0, 'none of them waited for another');
is(scalar(grep { $_->{closed} eq '0:cancelled' } @plain), 191, 'each key was closed once');
is("@{ $mode{cancelled} }{qw(closed message finished)}",
	'0:unknown the test gives up 198', 'the one that was given up had left');
is($mode{hung}{finished}, 199, 'the hung one ended when it was let go');
is("@{ $mode{held} }{qw(closed message left finished)}",
	'0:not_sent* the test gives up 0 200', 'what was held never left');
cmp_ok($mode{held}{asked}, '>', 1, '... though its witness was asked again');

sub nothing_is_left
{
	return $other->value('SELECT count(*) FROM order_gateway_activity') == 0
	  && $other->value('SELECT sum(sessions_waiting) FROM order_gateway_limits') == 0;
}

ok(nothing_is_left(), 'nothing is shown any more, and nobody waits');

# Some columns of each row.
sub columns
{
	my ($columns, @calls) = @_;

	return [ map { join ',', (split /\|/, $_, -1)[@$columns] }
		  @{ $session->query(many_calls(@calls))->{lines} } ];
}

# Rows that lie, and what comes in behind them, keep nobody else from going on.
$sandbox->arm('delay', provider => 'xt', match_id => 8002, ms => 500);
is_deeply(columns([ 2, 5 ], [ 'xt_by_two', '8001,8002,8003', 'lazy' ],
		map { [ 'xt_paced', 8100 + $_, 'plain' ] } 1 .. 30),
	[ 'cancelled,3', ('cancelled,1') x 30 ], 'rows may lie');

# What the witness lets go late leaves, also behind a request that goes again.
$sandbox->arm('envelope', provider => 'xt', match_id => 9001, code => 308,
	message => 'Nonce must be above the last one');
is_deeply(columns([ 1, 2, 5 ], [ 'xt_by_two', '9001,9002', 'late' ]),
	['1,cancelled,3'], 'a witness may be late');
ok(nothing_is_left(), '... with nothing left');

# ----
# What a witness holds
# ----

# It keeps neither the turn from others, nor does that cost it max_wait; a turn
# that it has no longer is another's, and there will be one more.
$test->own_server('xt', 'xt_turns', rate_limit => '1/2s per key', max_wait => '20s');
is_deeply(columns([ 1, 5, 7 ],
		[ 'xt_turns', 9101, 'held' ], [ 'xt_turns', 9102, 'plain' ]),
	[ '2,0,0:not_sent*', '1,1,0:cancelled' ], 'a turn that is held goes to another call');
is_deeply(columns([ 1, 5, 7 ],
		[ 'xt_turns', 9103, 'slow' ], [ 'xt_turns', 9104, 'plain' ]),
	[ '2,1,0:cancelled', '1,1,0:cancelled' ], '... and later there is one more');
$test->own_server('xt', 'xt_hurried', max_wait => '1s', batch_size => 1,
	max_in_flight => 1, retries => 0);
is_deeply(columns([ 5, 7 ], [ 'xt_hurried', '9105,9106', 'slow' ]),
	['2,0:cancelled 1:cancelled'], 'to be held is no wait for the pace');
ok(nothing_is_left(), '... with nothing left');

# ----
# What is said at once, and what was provably not processed
# ----

# While the answer to one key is awaited, others are told of.
$test->own_server('xt', 'xt_by_twos', batch_size => 1, max_in_flight => 2, retries => 0);
$sandbox->arm('black_hole', provider => 'xt', match_id => 9202);
$session->send(many_calls([ 'xt_by_twos', '9201,9202,9203,9204', 'plain' ]));
$test->wait_until(sub {
	($other->value("SELECT ids_answered FROM order_gateway_activity WHERE server = 'xt_by_twos'") // 0) == 3;
}, 'three of four are answered');
$sandbox->disarm;
is((split /\|/, $session->finish->{lines}[0])[7],
	'0:cancelled 2:cancelled 3:cancelled 1:unknown', '... and were told of before the second');

# What becomes of "0:" and how the sandbox brings that about, if it has to.
my $closed = PostgreSQL::Test::Cluster::get_free_port();
$test->own_server('xt', 'xt_closed', base_url => "https://localhost:$closed", retries => 0);
$test->own_server('xt', 'xt_foreign', sslrootcert => $sandbox->foreign_ca, retries => 0);
$test->own_server('xt', 'xt_mute', kind => 'mute', connect_timeout => '200ms', retries => 0);
foreach my $case (
	[ 'no connection', 'xt_closed', 'not_sent*' ],
	[ 'no TLS', 'xt_mute', 'not_sent*' ],
	[ 'a certificate that is no good', 'xt_foreign', 'not_sent*' ],
	[ 'HTTP 429', 'xt', 'rejected*', 'retry_after', seconds => 0 ],
	[ '"too frequent"', 'xt', 'rejected*', 'too_frequent' ],
	[ 'a refused nonce', 'xt', 'rejected*', 'envelope', code => 308,
		message => 'Nonce must be above the last one' ],
	[ 'a refused signature', 'xt', 'rejected', 'envelope', code => 307 ],
	[ 'a refused request', 'xt', 'rejected', 'envelope', code => 400 ],
	[ 'HTTP 503', 'xt', 'unknown', 'http_503' ],
	[ 'HTTP 503 with a Retry-After', 'xt', 'unknown', 'retry_after', status => 503, seconds => 0 ],
	[ 'an answer that is lost', 'xt', 'unknown', 'close_after' ],
	[ 'a connection that is lost', 'xt', 'unknown', 'close_before' ],
	[ 'an order that is unknown', 'xt', 'not_found', 'verdict', code => '121' ])
{
	my ($name, $server, $outcome, @fault) = @$case;
	state $id = 9300;
	my $own = $server eq 'xt' ? 'xt_case_' . ++$id : $server;

	$test->own_server('xt', $own, retries => 0) if $own ne $server;
	$sandbox->arm(shift @fault, provider => 'xt', times => 0, @fault) if @fault;
	is_deeply(columns([ 7, 8 ], [ $own, ++$id, 'plain' ]), ["0:$outcome,$outcome"], $name);
	$sandbox->disarm;
}

# ----
# Calls that are stopped
# ----

$test->own_server('xt', 'xt_unheard', kind => 'mute', connect_timeout => '100s');

# What has left is finished, and nothing else leaves, be there many more batches.
$sandbox->arm('delay', provider => 'xt', match_id => 9402, ms => 1000);
my $before = @{ $sandbox->requests };
my $ids = join ',', 9401 .. 9420;
is_deeply(columns([ 5, 8 ], [ 'xt_by_twos', $ids, 'stopped' ], [ 'xt_by_two', 9450, 'plain' ]),
	[ '2,cancelled cancelled' . ' not_sent*' x 18, '1,cancelled' ],
	'a stopped call finishes what has left');
is(@{ $sandbox->requests } - $before, 3, '... and sends nothing else');

# Nor does what has no connection yet; nobody waits for that.
is_deeply(columns([ 3, 5, 7 ], [ 'xt_unheard', '9501,9502', 'unheard' ]),
	['the test stops,0,0:not_sent* 1:not_sent*'], 'what has no connection is not waited for');
ok(nothing_is_left(), '... and nothing is left');

# A process that ends in the middle of many calls leaves none behind.
$session->send(many_calls(map { [ 'xt_paced', 6000 + $_, 'plain' ] } 1 .. 150));
$test->wait_until(sub {
	($other->value('SELECT max(sessions_waiting) FROM order_gateway_limits') // 0) > 20;
}, 'many wait for their turns');
is($other->value('SELECT pg_terminate_backend(' . $session->pid . ')'), 't', '... and their process is ended');
$test->wait_until(\&nothing_is_left, '... with all of them');
is(letters($other->call('xt', [9000], server => 'xt_paced')), 'C', 'the next one has its turn');

done_testing();
