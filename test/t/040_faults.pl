# Every provider meets every fault that the sandbox knows.
#
# A cell is one call with four ids: two open orders, one that cannot be
# cancelled any more, one that nobody has heard of. The fault meets the
# request that names the first id: with BTSE that id alone, with the others all
# four. Each cell of the table says what the four rows then are, a letter each,
# as letters() in OrderGateway::Test has them; a point stands for what the row
# is without any fault.
#
# What is checked in every cell is the same, in check_cell().

use strict;
use warnings;
use utf8;

use Test::More;

use OrderGateway::Test qw(letters);

# 19 digits, so that no number survives a double.
my @IDS = map { "621655959008722000$_" } 1 .. 4;
my $AFTER = '6216559590087220009';

my %NO_FAULT = (xt => 'CCXN', tronsave => 'CCRR', btse => 'CCXN',
	wangdian => 'CCXN');
my %FINISHED = (xt => 'filled', tronsave => 'filled', btse => 'filled',
	wangdian => 'approved');

# Wangdian answers only about what it refused, so a fault in the first row of
# its answer is one about the third id, and then its silence about the first
# two means nothing.
my %FIRST_ROW = ('*' => 'U...', wangdian => 'UUU.');

# Nothing of the answer can be believed.
my $NONE = 'UUUU';

# Name of the fault => list of
#	arguments of the fault,
#	the rows: for all providers, or by provider, '*' for all not named,
#	what else is special about the cell:
#		sends	requests that name the first id (1)
#		foreign	orders nobody asked for, that a warning counts (0)
#		server	the suffix of the servers to use
#		open	all four orders are open
my %TABLE = (

	# ---- nothing comes back

	close_before => [ [ {}, $NONE ], [ { goodbye => 0 }, $NONE ] ],
	close_after => [ [ {}, $NONE ], [ { goodbye => 0 }, $NONE ] ],
	reset_before => [ [ {}, $NONE ] ],
	reset_after => [ [ {}, $NONE ] ],
	close_kept_next => [
		[ {}, $NONE ],
		[ { goodbye => 0 }, $NONE ],
		[ { how => 'reset' }, $NONE ],
		[ { how => 'reset', process => 0 }, $NONE ],
	],
	close_kept_idle => [
		[ {}, '....' ],
		[ { goodbye => 0 }, '....' ],
		[ { how => 'reset' }, '....' ],
	],
	black_hole => [ [ {}, $NONE, server => 'hasty' ] ],
	black_hole_kept => [ [ {}, $NONE, server => 'hasty' ] ],
	half_head => [ [ {}, $NONE ], [ { goodbye => 0 }, $NONE ] ],
	half_answer => [
		[ {}, $NONE ],
		[ { goodbye => 0 }, $NONE ],
		[ { keep => 0 }, $NONE ],
	],
	half_chunked => [
		[ {}, $NONE ],
		[ { goodbye => 0 }, $NONE ],
		[ { whole => 1 }, $NONE ],
	],
	garbage => [ [ {}, $NONE ], [ { text => "HTTP/1.1\r\n\r\n" }, $NONE ] ],

	# ---- late, slow, endless

	delay => [ [ { ms => 200 }, '....' ] ],
	slow_bytes => [ [ { ms => 0 }, '....' ] ],
	slow_headers => [ [ { ms => 1 }, '....' ] ],
	endless_headers => [ [ {}, $NONE, server => 'hasty' ] ],
	long_header => [ [ {}, $NONE ], [ { bytes => 5000 }, '....' ] ],
	# a JSON value shows by itself where it ends
	until_close => [
		[ {}, '....' ],
		[ { goodbye => 0 }, '....' ],
		[ { keep => 10 }, $NONE ],
	],
	endless_body => [
		[ { bytes => 100_000 }, $NONE ],
		[ { bytes => 1, ms => 20 }, $NONE, server => 'hasty' ],
	],
	continue_100 => [ [ {}, '....' ], [ { times_100 => 5 }, '....' ] ],
	chunked => [ [ {}, '....' ], [ { bytes => 1 }, '....' ] ],

	# ---- too much

	oversize => [
		[ { bytes => 1_000_000 }, '....' ],
		[ { bytes => 1_100_000 }, $NONE ],
		[ { bytes => 1_100_000, declared => 0 }, $NONE ],
	],
	oversize_message => [
		# at TronSave a reason beside a success, at Wangdian the reason itself
		[ { bytes => 500_000 }, { '*' => '....', tronsave => 'U...',
				wangdian => '..R.' } ],
		[ { bytes => 1_100_000 }, $NONE ],
	],
	gzip => [ [ {}, $NONE ] ],
	gzip_bomb => [ [ { bytes => 32 * 1024 * 1024 }, $NONE ] ],
	deep_nesting => [
		[ {}, $NONE ],
		[ { form => 'object' }, $NONE ],
		[ { where => 'top' }, $NONE ],
		[ { depth => 20 }, '....' ],
	],
	absurd_number => [
		[ { form => 'exponent' }, $NONE ],
		[ { form => 'negative_exponent' }, $NONE ],
		[ { form => 'digits' }, $NONE ],
		[ { form => 'fraction' }, $NONE ],
		[ { form => 'infinity' }, $NONE ],
		[ { form => 'nan' }, $NONE ],
		[ { form => 'hex' }, $NONE ],
		[ { form => 'minus_zero' }, '....' ],
		[ { form => 'plain_exponent' }, '....' ],
	],

	# ---- not JSON, or not quite

	empty => [
		[ {}, $NONE ],
		[ { status => 204 }, $NONE ],
		[ { status => 404, process => 0 }, 'RRRR' ],
	],
	not_json => [ [ {}, $NONE ], [ { body => '200 OK' }, $NONE ],
		[ { body => '200' }, $NONE ] ],
	html => [
		[ {}, $NONE ],
		[ { status => 403, process => 0 }, 'RRRR' ],
		[ { status => 504 }, $NONE ],
	],
	truncated_json => [ [ {}, $NONE ], [ { keep => 0 }, $NONE ],
		[ { keep => 1 }, $NONE ] ],
	byte_order_mark => [ [ {}, $NONE ] ],
	invalid_utf8 => [ map { [ { where => $_ }, $NONE ] } qw(message id top) ],
	nul_byte => [ map { [ { where => $_ }, $NONE ] } qw(message id top) ],
	escaped_nul => [ map { [ { where => $_ }, $NONE ] } qw(message id top) ],
	lone_surrogate => [ map { [ { where => $_ }, $NONE ] } qw(message id top) ],
	duplicate_keys => [
		[ {}, $NONE ],
		[ { where => 'top' }, $NONE ],
		[ { values => 'same' }, '....' ],
	],
	swapped_top => [ [ {}, $NONE ] ],
	wrong_types => [
		[ {}, \%FIRST_ROW ],
		(map { [ { type => $_ }, \%FIRST_ROW ] } qw(array bool null)),
		[ { which => 'all' }, $NONE ],
		[ { where => 'top' }, { '*' => $NONE, btse => '....' } ],
		[ { where => 'top', type => 'null' }, { '*' => $NONE, btse => '....' } ],
		[ { fields => ['code'] }, { xt => 'U...' } ],
		[ { fields => ['is_success'], type => 'string' }, { tronsave => 'U...' } ],
		[ { fields => ['fail_reason'], type => 'string' }, { tronsave => 'U...' } ],
		[ { fields => ['status'] }, { btse => 'U...' } ],
		[ { fields => ['message'] }, { '*' => '....', wangdian => 'UUU.' } ],
	],
	null_fields => [
		[ {}, \%FIRST_ROW ],
		[ { which => 'all' }, $NONE ],
		[ { fields => ['message'] }, { '*' => '....', wangdian => 'UUU.' } ],
	],
	set_fields => [ [ { values => { unheard => 'of' }, which => 'all' }, '....' ] ],

	# ---- of reads: what they do is no fault of an act's answer

	orders_move => [ [ {}, { xt => '....', btse => '....' } ] ],
	other_rows => [ [ { says => { unheard => 'of' } },
		{ xt => '....', tronsave => '....', btse => '....' } ] ],

	# ---- rows

	missing_rows => [
		[ { which => 'last' }, { '*' => '...U', btse => 'U...' } ],
		[ { which => 'first' }, 'U...' ],
		[ { which => 'all' }, $NONE ],
	],
	extra_rows => [
		# with BTSE, further elements are legs of the order
		(map {
			[ { place => $_ }, { xt => '....', tronsave => '....',
					wangdian => 'UU..' }, foreign => 1 ],
			[ { place => $_ }, { btse => 'C+C...' } ]
		} qw(end start)),
		[ { ids => [ 1 .. 50 ] }, { xt => '....', tronsave => '....',
				wangdian => 'UU..' }, foreign => 50 ],
	],
	repeated_rows => [ [ {}, '....' ] ],
	reordered_rows => [ [ {}, '....' ] ],
	contradictory_rows => [
		[ {}, { '*' => 'U...', wangdian => '..U.' } ],
		[ { order => 'contrary_first' }, { '*' => 'U...', wangdian => '..U.' } ],
		[ { which => 'all' }, { '*' => $NONE, wangdian => '..UU' } ],
	],
	empty_array => [
		[ {}, { xt => $NONE, tronsave => $NONE, btse => $NONE } ],
		# no failures at all: everything was cancelled
		[ {}, { wangdian => 'CCCC' }, open => 1 ],
	],
	ids_as_strings => [ [ {}, { xt => '....' } ] ],
	ids_as_numbers => [ [ {}, { tronsave => '....', btse => '....',
				wangdian => '....' } ] ],
	wrong_id_spelling => [
		(map {
			[ { form => $_ }, \%FIRST_ROW, foreign => 1 ]
		} qw(leading_zero exponent fraction minus plus blank_before blank_after
			cut)),
		[ { form => 'leading_zero_number' }, $NONE ],
		[ { form => 'upper' }, '....' ],
	],
	long_text => [
		# the id is not the one that was sent
		[ {}, \%FIRST_ROW, foreign => 1 ],
	],
	undefined_code => [
		[ {}, { '*' => 'U...', wangdian => '..R.' } ],
		[ { code => 0 }, { xt => 'U...', btse => 'U...' } ],
		[ { code => 1200 }, { xt => 'U...' } ],
		[ { which => 'all' }, { xt => $NONE, tronsave => $NONE } ],
	],
	verdict => [
		(map { [ { code => $_->[0] }, { xt => $_->[1] } ] }
			[ 121 => 'NNNN' ], [ 122 => 'XXXX' ], [ 123 => $NONE ]),
		[ { code => 'any reason' }, { tronsave => 'RRRR', wangdian => 'RRRR' } ],
		(map { [ { code => $_->[0] }, { btse => $_->[1] . '...' } ] }
			[ 16 => 'N' ], [ 3 => 'X' ], [ 4 => 'X' ], [ 7 => 'X' ],
			[ 15 => 'R' ], [ 1 => 'R' ], [ 2 => 'U' ], [ 5 => 'U' ],
			[ 9 => 'U' ], [ 10 => 'U' ], [ 17 => 'U' ], [ -1 => 'U' ]),
		[ { code => '采购退货单号不存在' }, { wangdian => 'NNNN' } ],
		[ { code => '采购退货单不是待审核或者编辑中状态' },
			{ wangdian => 'XXXX' } ],
	],

	# ---- status and envelope

	status => [
		(map { [ { status => $_ }, 'RRRR' ] } 400, 401, 403, 404, 405, 415,
			451, 499),
		(map { [ { status => $_ }, $NONE ] } 201, 300, 304, 408, 500, 504, 511),
		[ { status => 400, body => '{}' }, 'RRRR' ],
		[ { status => 500, body => '{"code":307}' }, $NONE ],
	],
	http_408 => [ [ {}, $NONE ] ],
	http_500 => [ [ {}, $NONE ] ],
	http_502 => [ [ {}, $NONE ] ],
	http_503 => [ [ {}, $NONE ],
		[ { headers => { 'Retry-After' => '0' } }, $NONE ] ],
	contradicting_status => [
		[ { status => 400 }, 'UU..' ],
		[ { status => 404 }, 'UU..' ],
		[ { status => 429 }, $NONE ],
		[ { status => 302 }, $NONE ],
		[ { status => 408 }, $NONE ],
		[ { status => 500 }, $NONE ],
		[ { status => 201 }, '....' ],
		[ { status => 299 }, '....' ],
	],
	redirect => [ map { [ { status => $_ }, $NONE ] } 301, 302, 303, 307, 308 ],
	envelope => [
		(map { [ { code => $_ }, { xt => 'RRRR' } ] } 307, 308, 400, 404, 107),
		[ { code => 404 }, { '*' => $NONE, xt => 'RRRR' } ],
		[ { code => 100 }, { wangdian => 'RRRR' } ],
		[ { status => 400 }, 'RRRR' ],
		[ { status => 401, message => 'TSAS:107 INVALID_API_KEY' }, 'RRRR' ],
		[ { message => 'TSAS:107 INVALID_API_KEY' }, { tronsave => 'RRRR' } ],
		[ { message => 'TSAS:106 API_KEY_REQUIRED' }, { tronsave => 'RRRR' } ],
		[ { code => 'FST_ERR_VALIDATION', validation => 1, status => 400 },
			{ tronsave => 'RRRR' } ],
		[ { with_rows => 1, process => 1 }, { xt => '....', tronsave => '....' } ],
		[ { with_rows => 1, process => 1, code => 100 }, { wangdian => 'UU..' } ],
	],
	undefined_envelope => [
		[ {}, $NONE ],
		[ { code => 2 }, { xt => $NONE, wangdian => $NONE } ],
		[ { with_rows => 1, process => 1 }, { xt => '....', tronsave => '....',
				wangdian => 'UU..' } ],
	],
	too_frequent => [
		[ {}, '....', sends => 2 ],
		[ { some => 1 }, { xt => '....' } ],
		[ { form => '303' }, { btse => '....' }, sends => 2 ],
		[ { form => '303_429' }, { btse => '....' }, sends => 2 ],
		[ {}, 'RRRR', server => 'once' ],
		[ { some => 1 }, { xt => '.R.R' }, server => 'once' ],
		[ { form => '303' }, { btse => 'R...' }, server => 'once' ],
	],
	retry_after => [
		[ { seconds => 0 }, '....', sends => 2 ],
		[ { seconds => 0, form => 'date' }, '....', sends => 2 ],
		[ { seconds => 0 }, 'RRRR', server => 'once' ],
		[ { seconds => 0, status => 503 }, $NONE ],
		[ { seconds => 0, status => 418 }, { xt => 'RRRR' } ],
		[ { seconds => 0, form => 'unix', dated => 0 }, '....', sends => 2 ],
		[ { seconds => 0, form => 'headers' }, '....', sends => 2 ],
	],
	nonce_order => [ [ {}, '....', server => 'one' ] ],

	# ---- one provider's own

	btse_legs => [
		[ {}, { btse => 'C+C...' } ],
		[ { legs => 3 }, { btse => 'C+C+C+C...' } ],
		[ { status => 2 }, { btse => 'C+U...' } ],
		[ { status => 16 }, { btse => 'C+N...' } ],
		[ { status => 303 }, { btse => 'C+R...' } ],
	],
	btse_other_order => [
		[ { symbol => 'ETH-USD' }, { btse => 'U...' }, foreign => 1 ],
		[ { symbol => 'btc-usd', side => 'SELL', type => 77 }, { btse => '....' } ],
	],
	btse_foreign_only => [ [ {}, { btse => 'U...' }, foreign => 1 ] ],
	# there is none in an answer to a cancel
	wangdian_total => [ [ {}, { wangdian => '....' } ] ],
	wangdian_silence => [
		map { [ { form => $_->[0] }, { wangdian => $_->[1] },
				$_->[0] eq 'foreign_number' ? (foreign => 1) : () ] }
		  [ error_num_high => 'UU..' ], [ error_num_low => 'UU..' ],
		[ error_num_missing => 'UU..' ], [ error_num_string => '....' ],
		[ error_num_null => 'UU..' ], [ error_info_missing => $NONE ],
		[ error_info_null => $NONE ], [ error_info_object => $NONE ],
		[ error_info_string => $NONE ], [ error_info_of_strings => $NONE ],
		[ foreign_number => 'UU..' ], [ row_without_number => 'UUU.' ],
		[ row_without_message => 'UUU.' ], [ data_status_1 => 'UU..' ],
		[ data_status_missing => 'UU..' ], [ data_status_string => '....' ],
		[ status_1 => 'UU..' ], [ status_string => '....' ],
		[ status_missing => 'UU..' ], [ data_missing => $NONE ],
		[ data_null => $NONE ], [ data_array => $NONE ],
	],
);

my $test = OrderGateway::Test->start(
	options => { rate_limit => 'off', max_response_size => '1MB' });
my $sandbox = $test->sandbox;
my $session = $test->session;

$test->servers('hasty', timeout => '1s');
$test->servers('once', retries => 0);
$test->servers('one', max_in_flight => 1);

# ----
# The table and the sandbox know the same faults
# ----

# Those of streams meet no act: 204_stream_wire.pl has them.
my %known = %{ $sandbox->known_faults };
my $known = { map { $_ => $known{$_} } grep { !/^stream_/ } keys %known };
my @providers = $sandbox->providers;

# The row of a provider, or undef where the cell is not about it.
sub rows_of
{
	my ($rows, $provider) = @_;

	return ref $rows ? $rows->{$provider} // $rows->{'*'} : $rows;
}

foreach my $fault (sort keys %$known)
{
	my $about = $known->{$fault}{providers};
	my %about = map { $_ => 1 } ref $about ? @$about : @providers;

	foreach my $provider (@providers)
	{
		my $cells = grep { defined rows_of($_->[1], $provider) }
		  @{ $TABLE{$fault} // [] };

		fail("no cell \"$provider $fault\"") if $about{$provider} && !$cells;
	}

	# '*' means those that the sandbox has this fault for
	foreach my $cell (@{ $TABLE{$fault} // [] })
	{
		next if ref $cell->[1] && !exists $cell->[1]{'*'};
		my %rows = ref $cell->[1] ? %{ $cell->[1] } : ('*' => $cell->[1]);
		$cell->[1] = { map { $_ => $rows{$_} // $rows{'*'} } keys %about };
	}
}
is_deeply([ grep { !$known->{$_} } sort keys %TABLE ], [],
	'every fault in the table is known to the sandbox');

# ----
# One cell
# ----

# What the rows should be, with points filled in.
sub expected
{
	my ($provider, $pattern, $cell) = @_;
	my @usual = split //, $cell->{open} ? 'CCCC' : $NO_FAULT{$provider};
	my @parts = $pattern =~ /[^+](?:\+[^+])*/g;

	foreach my $i (0 .. 3)
	{
		# the fault does not meet the other requests of BTSE
		$parts[$i] = '.' if $provider eq 'btse' && $i > 0;
		$parts[$i] =~ s/\./$usual[$i]/;
	}
	return join '', @parts;
}

# Warnings about orders that nobody asked for: how many they count.
sub foreign
{
	my $count = 0;

	$count += $_
	  foreach $session->stderr =~ /answered about (\d+) orders?\b/g;
	return $count;
}

# All that is wrong about what a call with a fault in its way has brought.
sub check_cell
{
	my ($provider, $fault, $rows, $cell) = @_;
	my $got = letters($rows);
	my @ordinals = map { $_->{ordinal} } @$rows;
	my @problems;

	push @problems, "rows are $got, not $cell->{expected}: "
	  . join(' / ', map { $_->{message} // 'NULL' } @$rows)
	  if $got ne $cell->{expected};
	push @problems, "ordinals are @ordinals"
	  if "@ordinals" ne join ' ', sort { $a <=> $b } @ordinals;
	push @problems, 'a row has another id'
	  if grep { $_->{order_id} ne $IDS[ $_->{ordinal} - 1 ] } @$rows;
	push @problems, $test->broken_promises($provider, $rows);

	my $sends = @{ $sandbox->requests(id => $IDS[0]) };
	push @problems, "the first id arrived $sends times, not $cell->{sends}"
	  if $sends != $cell->{sends};
	push @problems, 'attempts are ' . $rows->[0]{attempts}
	  if @$rows && $rows->[0]{attempts} != $cell->{sends};
	push @problems, 'it fired ' . $sandbox->fired($fault) . ' times'
	  if $sandbox->fired($fault) != 1;
	push @problems, foreign() . ' foreign orders were warned of'
	  if foreign() != $cell->{foreign};
	push @problems, "$_->{outcome} without sent_at"
	  foreach grep { $_->{outcome} ne 'not_sent' && !$_->{sent_at} } @$rows;
	push @problems, 'a message is too long'
	  if grep { length($_->{message} // '') > 1000 } @$rows;
	push @problems, 'a message tells a secret'
	  if grep { ($_->{message} // '') =~ /query-secret/ } @$rows;
	return @problems;
}

# The session goes on as if nothing had been.
sub check_after
{
	my ($provider) = @_;

	$test->reset;
	$test->seed($provider, $AFTER);
	my $rows = $session->call($provider, [$AFTER]);
	return letters($rows) eq 'C' ? () : 'the call after it got '
	  . letters($rows) . ': ' . ($rows->[0]{message} // 'NULL');
}

sub seed
{
	my ($provider, $cell) = @_;

	$test->reset;
	$test->seed($provider, $cell->{open} ? @IDS : @IDS[ 0, 1 ]);
	$sandbox->seed($provider, ids => [ $IDS[2] ],
		status => $FINISHED{$provider}) unless $cell->{open};
	return;
}

# What a cell is called: provider, fault and its arguments.
sub name_of
{
	my ($provider, $fault, $args, $cell) = @_;
	my @args = map {
		my $value = $args->{$_};
		ref $value eq 'ARRAY' ? "$_=" . scalar(@$value)
		  : ref $value ? "$_=" . join(',', %$value)
		  : "$_=" . ($value =~ /^[\x21-\x7e]+$/ ? $value : '...')
	} sort keys %$args;

	push @args, $cell->{server} if $cell->{server};
	return join ' ', $provider, $fault, @args;
}

foreach my $provider (@providers)
{
	# so that there is a connection that was kept
	is_deeply([ check_after($provider) ], [], "$provider without a fault");

	foreach my $fault (sort keys %TABLE)
	{
		foreach my $row (@{ $TABLE{$fault} })
		{
			my ($args, $rows, %cell) = @$row;
			my $pattern = rows_of($rows, $provider) // next;
			my $server = $provider
			  . (defined $cell{server} ? "_$cell{server}" : '');

			$cell{sends} //= 1;
			$cell{foreign} //= 0;
			$cell{expected} = expected($provider, $pattern, \%cell);
			seed($provider, \%cell);
			$sandbox->arm($fault, provider => $provider,
				match_id => $IDS[0], %$args);
			my $result = $session->call($provider, \@IDS, server => $server);
			my @problems = check_cell($provider, $fault, $result, \%cell);

			# ... until the sandbox has done what it does a moment later
			$sandbox->wait_for(open => 0) if $fault eq 'close_kept_idle';
			push @problems, check_after($provider);
			is_deeply(\@problems, [], name_of($provider, $fault, $args, \%cell));
		}
	}
}

# ----
# No connection comes about
# ----

# Options of the server, attempts, what the message says.
my $closed = PostgreSQL::Test::Cluster::get_free_port();
my @unreachable = (
	[ { kind => 'expired' }, 1, qr/certificate.*expired/ ],
	[ { kind => 'foreign' }, 1, qr/certificate/ ],
	[ { kind => 'misnamed' }, 1, qr/certificate.*another name/ ],
	[ { sslrootcert => $sandbox->foreign_ca }, 1, qr/certificate/ ],
	[ { kind => 'mute', connect_timeout => '200ms', retries => 1 }, 2,
		qr/within 200 ms/ ],
	[ { base_url => "https://localhost:$closed" }, 3, qr/could not connect/ ],
	[ { base_url => "https://localhost:$closed", retries => 0 }, 1,
		qr/could not connect/ ],
	[ { base_url => 'https://localhost:' . $sandbox->port('plain'),
			connect_timeout => '200ms', retries => 0 }, 1, qr/TLS|within 200 ms/ ],
);
push @unreachable,
  [ { kind => 'old_tls', retries => 0 }, 1, qr/TLS/ ]
  if $sandbox->has_port('old_tls');
push @unreachable,
  [ { kind => 'stuck', connect_timeout => '200ms', retries => 1 }, 2,
	qr/within 200 ms/ ]
  if $sandbox->has_port('stuck');

foreach my $i (0 .. $#unreachable)
{
	my ($options, $attempts, $words) = @{ $unreachable[$i] };
	my $name = $options->{kind} // 'foreign_ca';

	$name = "no TLS or closed: $options->{base_url}" =~ s/\d+$//r
	  if $options->{base_url};
	$test->servers("far$i", %$options);
	foreach my $provider (@providers)
	{
		seed($provider, {});
		my $rows = $session->call($provider, \@IDS, server => "${provider}_far$i");
		is(letters($rows), '----', "$provider $name: not sent");
		is_deeply([ map { $_->{attempts} } @$rows ], [ ($attempts) x 4 ],
			"... after $attempts attempts");
		is(scalar(grep { $_->{message} =~ $words } @$rows), 4, '... and says why')
		  or diag($rows->[0]{message});
		is(scalar(grep { defined $_->{sent_at} || defined $_->{http_status} } @$rows),
			0, '... without a time or an answer');
		is_deeply($sandbox->requests, [], '... and nothing arrived');
		is_deeply([ check_after($provider) ], [], '... and the session goes on');
	}
}

# Plain HTTP has to be allowed.
foreach my $provider (@providers)
{
	my $name = "${provider}_plain";

	is($session->error($sandbox->server_sql($provider, name => $name,
				kind => 'plain', allow_http => undef)),
		'22023', "$provider: http without allow_http is refused");
	$session->query($sandbox->server_sql($provider, name => $name,
			kind => 'plain', rate_limit => 'off')
		  . $sandbox->mapping_sql($provider, name => $name));
	seed($provider, {});
	is(letters($session->call($provider, \@IDS, server => $name)),
		$NO_FAULT{$provider}, '... with it, works');
	is_deeply([ map { $_->{port} } @{ $sandbox->requests(id => $IDS[0]) } ],
		['plain'], '... over plain HTTP');
}

is($sandbox->stderr_text, '', 'the sandbox has nothing to complain about');
done_testing();
