# "make demo" and "make sandbox", as a newcomer runs them: what they show, that
# it is true, and that nothing is left behind.

use strict;
use warnings;
use utf8;

use Encode qw(decode_utf8);
use File::Basename qw(dirname);
use File::Temp qw(tempdir);
use HTTP::Tiny;
use JSON::PP ();
use POSIX ();
use Test::More;
use Time::HiRes qw(sleep time);

my $TOP = $ENV{OG_SOURCE_DIR} // dirname(__FILE__) . '/../..';
my $TIMEOUT = 300;

binmode $_, ':encoding(UTF-8)'
  foreach map { Test::More->builder->$_ } qw(output failure_output todo_output);

# What an outer make left in the environment is not meant for this one, nor is
# what the tests make of it.
delete @ENV{qw(MAKEFLAGS MFLAGS MAKELEVEL PERL5LIB OG_PRELOAD KEEP CONTROL_PORT COLUMNS SVG)};

# A test installs nothing; "make check" has done so.
my $missing = qx{"$TOP/test/setup/packages" --have build test sandbox 2>&1};
plan skip_all => $missing =~ s/\s+$//r if $? != 0;

# A command as a terminal would run it: in a process group of its own, which
# gets the signals that the keyboard sends.
sub start
{
	my (@command) = @_;

	pipe(my $output, my $write) or die "pipe: $!";
	my $pid = fork() // die "fork: $!";
	if ($pid == 0)
	{
		POSIX::setsid();
		@SIG{qw(INT QUIT)} = ('DEFAULT') x 2;
		open STDIN, '<', '/dev/null';
		POSIX::dup2(fileno($write), $_) foreach 1, 2;
		exec @command or POSIX::_exit(127);
	}
	close $write;
	return { pid => $pid, output => $output, text => '' };
}

# Read on until the text matches, or, without a pattern, until it ends.
sub read_until
{
	my ($job, $pattern) = @_;
	my $until = time + $TIMEOUT;
	my $readable = '';

	vec($readable, fileno($job->{output}), 1) = 1;
	while (time < $until && !($pattern && $job->{text} =~ $pattern))
	{
		next if select(my $ready = $readable, undef, undef, 1) <= 0;
		sysread($job->{output}, $job->{text}, 65536, length $job->{text}) or last;
	}
	return decode_utf8($job->{text});
}

# Its exit status, or the signal that ended it as a negative number.
sub ended
{
	my ($job) = @_;
	my $until = time + $TIMEOUT;

	while (time < $until)
	{
		return $? & 127 ? -($? & 127) : $? >> 8 if waitpid($job->{pid}, POSIX::WNOHANG()) > 0;
		sleep 0.05;
	}
	kill 'KILL', -$job->{pid};
	waitpid $job->{pid}, 0;
	return 'never';
}

# The lines that are too wide for a terminal, but for those whose length depends
# on where the stage is.
sub too_wide
{
	my ($text, $columns) = @_;

	return [ grep { length($_) + (() = /\p{East_Asian_Width=Wide}/g) > $columns }
		  grep { !/^== (build|picture): |psql -h / } split /\n/, $text ];
}

# The stage that it said it is on is gone, and nobody is on it.
sub nothing_left
{
	my ($text, $name) = @_;
	my ($stage) = $text =~ m{^== build: .* in (\S+/order_gateway\.\w+)$}m;

	ok(defined $stage && !-e $stage, "$name leaves no file");
	my $left = qx{grep -lzFx "OG_STAGE=$stage" /proc/[0-9]*/environ 2>/dev/null};
	is($left, '', '... and no process');
	return;
}

sub slurp
{
	my ($path) = @_;

	open my $in, '<:encoding(UTF-8)', $path or return "could not read $path: $!";
	local $/ = undef;
	return scalar <$in>;
}

# The rows of the table that follows some text, as arrays of cells.
sub table_after
{
	my ($text, $mark) = @_;
	my ($table) = $text =~ /\Q$mark\E.*?^├[^\n]*\n(.*?)^└/ms;

	return map { [ map { s/^\s+|\s+$//gr } (split /│/)[ 1 .. tr/│// - 1 ] ] }
	  split /\n/, $table // '';
}

# ----
# The demo
# ----

my $svg = tempdir(CLEANUP => 1) . '/demo.svg';
my $job = start('make', '--no-print-directory', '-C', $TOP, 'COLUMNS=80', "SVG=$svg", 'demo');
my $text = read_until($job);
is(ended($job), 0, 'the demo runs') or diag($text);
is_deeply(too_wide($text, 80), [], '... in 80 columns');
like($text, qr/^== build: .*\n\.{5,}\n/m, '... and shows that it works while it builds');
nothing_left($text, 'it');

my @marks = ('What comes:', '-- 1 ', '-- 4 ', 'One row of each kind', '-- 5 ', 'order_gateway_settle(',
	'Was that right?', '-- 6 ', 'had written down',
	'-- 7 ', 'what the calls said', '== picture: ', '== done');
my @places = map { index $text, $_ } @marks;
is_deeply([ sort { $a <=> $b } @places ], \@places, 'what comes, the summary, then rows, then what is settled');
cmp_ok($places[0], '>', 0, '... and none of them is missing');

my %glance = map { $_->[0] => $_ } table_after($text, '-- 4 ');
is_deeply([ sort keys %glance ], [qw(btse tronsave wangdian xt)], 'four providers at a glance');
my $unknown = 0;
foreach my $row (values %glance)
{
	my ($provider, $orders, @counts) = @$row;
	my $sum = 0;

	$sum += $_ foreach @counts;
	is($sum, $orders, "... each order of $provider has its outcome");
	$unknown += $counts[-1];
}
cmp_ok($unknown, '>', 100, '... some unknown');
my @settled = table_after($text, 'SELECT provider, \'unknown\' AS was');
my $asked = 0;
$asked += $_->[4] foreach @settled;
is($asked, $unknown, 'all of those are asked for');
is_deeply([ map { $_->[0] } grep { $_->[3] eq 'unknown' && $_->[2] ne 'gone' } @settled ], [],
	'... and settled, but for those that the provider never heard of');

my @truth = table_after($text, 'Was that right?');
cmp_ok(scalar @truth, '>', 10, 'the truth is told');
is_deeply([ grep { ($_->[2] eq '-' ? $_->[1] : $_->[2]) eq 'cancelled' && $_->[3] ne 'cancelled' } @truth ], [],
	'... and what we call cancelled is');
is_deeply([ table_after($text, 'cancelled_but_not_named') ], [ ['0'] ], '... and nothing else');
is_deeply([ table_after($text, 'AS calls FROM order_gateway_calls') ], [ ['0'] ], 'what is rolled back is not there');
is_deeply([ map { join ' ', @$_[ 0 .. 2 ] } table_after($text, 'had written down') ], [ '2 unknown 1' ],
	'a worker that is killed leaves what is unknown, and was sent once');
is_deeply([ map { $_->[3] } table_after($text, 'Ask the provider.') ], [ ('cancelled') x 2 ], '... and can be settled');

is_deeply([ map { join ' ', @$_[ 0 .. 2 ] } table_after($text, 'SELECT side, filled_price') ],
	[ 'BUY 36976.5 5.00000', 'BUY 36977.0 2.00000' ], 'what trades is followed');

# ----
# The picture at its end
# ----

# Three pictures beside each other, a sign for an order.
my ($picture) = $text =~ /^  what the calls said(.*?)^  ■ cancelled/ms;
my @provider_pictures = split /^  (?=\w+: [0-9]+,)/m, $picture // '';
shift @provider_pictures;
is(scalar @provider_pictures, 4, 'four providers in the picture');
foreach my $provider_picture (@provider_pictures)
{
	my ($head, @lines) = grep { /\S/ } split /\n/, $provider_picture;
	my ($provider, $orders, $lost, $left, $verdict) = $head =~ /^(\w+): (\d+), (\d+) unknown +(\d+) still unknown +(.*)$/;
	my @signs = ('') x 3;

	foreach my $line (@lines)
	{
		my @parts = split ' ', $line;

		$signs[$_] .= $parts[$_] foreach 0 .. 2;
	}
	is_deeply([ map { length } @signs ], [ ($orders) x 3 ], "... each order of $provider three times");
	is_deeply([ $orders, $lost ], [ @{ $glance{$provider} }[ 1, -1 ] ], '... as many as there are rows');
	is_deeply([ map { scalar(() = /\?/g) } @signs ], [ $lost, $left, 0 ], '... of them unknown before and after');
	is($verdict, 'no row was wrong', '... and no row is wrong');
}

# The demo does the same each time, so its picture in docs is this one.
is(slurp("$TOP/docs/demo.svg"), slurp($svg), 'docs/demo.svg is that picture (or run "make demo SVG=docs/demo.svg")');
is(system('python3', '-c', 'import sys, xml.dom.minidom; xml.dom.minidom.parse(sys.argv[1])', $svg), 0,
	'... which is XML');

# ----
# The sandbox to play in
# ----

$job = start('make', '--no-print-directory', '-C', $TOP, 'sandbox');
$text = read_until($job, qr/tutorial is .*\n/);
like($text, qr/^== ready; it runs until Ctrl-C$/m, 'the sandbox starts')
  or die "there is nothing to test without it\n";
is_deeply(too_wide($text, 100), [], '... in 100 columns');

my ($psql) = $text =~ /^   (\S*psql -h .*)$/m;
my ($url, $fault) = $text =~ m{^   curl (http://\S+)/faults -d '(.*)'$}m;
my $http = HTTP::Tiny->new(timeout => 30);

# What psql answers, by the very line that is printed.
sub query
{
	my ($sql) = @_;

	open my $in, '-|', 'sh', '-c', "$psql \"\$@\" 2>&1", 'sh', '-X', '-A', '-t', '-c', $sql
	  or die "could not run psql: $!";
	local $/ = undef;
	my $answer = <$in> // '';
	close $in;
	return $answer;
}

sub cancel
{
	my ($provider, $call) = @_;

	return query("SELECT string_agg(DISTINCT outcome::text, ' ' ORDER BY outcome::text), count(*) FROM "
		  . ($call =~ s/ids/(SELECT array_agg(id) FROM orders WHERE provider = '$provider')/r));
}

my ($try) = $text =~ /^   (SELECT order_id, outcome, message\n.*?;)$/ms;
cmp_ok(() = query($try) =~ /\|cancelled\|/g, '>', 200, 'what it says to try cancels orders');
my ($submit) = $text =~ /^(   BEGIN;\n.*?wait\(1\);)$/ms;
cmp_ok(() = query($submit) =~ /\|cancelled\|/g, '>', 80, '... as does what it says to submit');
is(cancel('tronsave', 'tronsave_cancel(ids)'), "cancelled rejected|119\n", '... at each provider');
is(cancel('wangdian', 'wangdian_cancel(ids)'), "cancelled not_cancellable not_found|104\n", '...');

my ($book) = $text =~ /^   (SELECT \* FROM btse_book_top;)$/m;
my $until = time + 30;
my $seen = '';
sleep 0.1 while ($seen = query($book)) !~ /\S/ && time < $until;
like($seen, qr/^BTC-USD\|0\|[0-9.]+\|[0-9.]+\|[0-9.]+\|/, 'a book is followed');
my ($buy) = $text =~ /^   (SELECT outcome, order_id FROM btse_create_order\(.*?;)$/ms;
like(query($buy), qr/^accepted\|\S+$/m, '... where orders can be placed');
my ($fills) = $text =~ /^   (SELECT \* FROM btse_fill_log;)$/m;
sleep 0.1 while ($seen = query($fills)) !~ /\S/ && time < $until;
like($seen, qr/\|BTC-USD\|BUY\|/, '... and fills come');

my $known = JSON::PP->new->decode($http->get("$url/faults/known")->{content});
my %known = map { $_->{name} => 1 } @{ $known->{faults} };
my ($list) = $text =~ /faults -d [^\n]*\n\n(.*?)\n\n/s;
my @named = $list =~ /\b([a-z]+_[a-z0-9_]+)\b/g;
cmp_ok(scalar @named, '>', 8, 'it names some faults');
is_deeply([ grep { !$known{$_} } @named ], [], '... that there are');
is($http->post("$url/faults", { content => $fault })->{status}, 200, 'one can be asked for');
is(cancel('xt', "batch_cancel('btc_usdt', ids)"), "not_cancellable not_found unknown|309\n", '... and comes');
ok($http->get($_)->{success}, "it answers $_") foreach $text =~ m{^   curl '(http://\S+)'$}mg;

kill 'INT', -$job->{pid};
$text = read_until($job);
my $status = ended($job);
like($status, qr/^(?:0|2|130|-2)$/, 'Ctrl-C ends it') or diag($text);
like($text, qr/^== stopped; nothing is left behind$/m, '... and it says so');
unlike($text, qr/FAILED/, '... as it should');
nothing_left($text, 'it');

done_testing();
