package OrderGateway::Books;

=encoding utf8

=head1 NAME

OrderGateway::Books - order books and best prices that streams follow, for TAP tests

=head1 SYNOPSIS

  use OrderGateway::Books;

  my $books = OrderGateway::Books->start;
  my $book = $books->follow('book', symbol => 'BTC-USD');

  $books->sandbox->trade(rate => 50);
  $books->book_ok('BTC-USD', 0, 'it is the provider\'s');

=head1 DESCRIPTION

What L<OrderGateway::Appended> is, and what the sandbox knows of books.

=cut

use strict;
use warnings;
use utf8;

use parent 'OrderGateway::Appended';

use Test::More;
use Time::HiRes qw(sleep time);

use OrderGateway::Test qw(sql_text);

=head2 $books->difference($symbol, $grouping)

Reads the book in one statement; answers what differs from the sandbox's of that
C<seq>, '' if nothing does, undef if the book is not shown.

=cut

# Numbers as they are, however they are spelled.
sub _plain
{
	my ($number) = @_;

	$number =~ s/0+$// if $number =~ /\./;
	$number =~ s/\.$//;
	return $number;
}

sub _read
{
	my ($self, $symbol, $grouping) = @_;
	my @rows = map { [ split /\|/ ] } split /\n/, $self->sql(<<"");
SELECT seq, side, price, size FROM btse_book
WHERE symbol = ${\ sql_text($symbol)} AND book_grouping = $grouping ORDER BY side, level

	my %seqs = map { $_->[0] => 1 } @rows;
	my %book = map {
		my $side = $_;
		($side => join ' ', map { _plain($_->[2]) . ':' . _plain($_->[3]) }
			  grep { $_->[1] eq $side } @rows)
	} qw(buy sell);

	return if !@rows;
	$book{seq} = join ' ', sort keys %seqs;
	return \%book;
}

sub difference
{
	my ($self, $symbol, $grouping) = @_;
	my $book = $self->_read($symbol, $grouping // 0) // return undef;
	my $truth;

	return "several states: $book->{seq}" if $book->{seq} !~ /^\d+$/;
	eval { $truth = $self->sandbox->book($symbol, $grouping, seq => $book->{seq}); 1 }
	  or return "no such state: $book->{seq}: $@";
	foreach my $pair ([ buy => 'bids' ], [ sell => 'asks' ])
	{
		my ($side, $levels) = @$pair;
		my $true = join ' ', map { _plain($_->[0]) . ':' . _plain($_->[1]) } @{ $truth->{$levels} };

		return "$side as of $book->{seq}: $book->{$side} instead of $true" if $book->{$side} ne $true;
	}
	return '';
}

=head2 $books->book_ok($symbol, $grouping, $name)

One test: the book is shown, and is the sandbox's as of its C<seq>.

=head2 $books->wait_current($symbol, $grouping, $name)

One test: it becomes that as of the newest C<seq>; the trader has stopped.

=cut

sub book_ok
{
	my ($self, $symbol, $grouping, $name) = @_;
	my $difference = $self->difference($symbol, $grouping);
	local $Test::Builder::Level = $Test::Builder::Level + 1;

	return is($difference, '', $name) || $self->tell_why;
}

sub wait_current
{
	my ($self, $symbol, $grouping, $name) = @_;
	my $until = time + 60;
	my $seq = $self->sandbox->book($symbol, $grouping)->{seq};
	my $difference;
	local $Test::Builder::Level = $Test::Builder::Level + 1;

	while (time < $until)
	{
		my $book = $self->_read($symbol, $grouping // 0);

		$difference = $self->difference($symbol, $grouping);
		last if defined $book && $book->{seq} eq $seq && defined $difference && $difference eq '';
		sleep 0.1;
	}
	return is($difference, '', $name) || $self->tell_why;
}

=head2 $books->is_shown($symbol, $grouping), $books->watch($symbol, $grouping, $seconds)

Whether the book is shown; what was wrong with it at any look within that time,
and how often it was looked at and was shown.

=cut

sub is_shown
{
	my ($self, $symbol, $grouping) = @_;

	return defined $self->_read($symbol, $grouping // 0);
}

sub watch
{
	my ($self, $symbol, $grouping, $seconds) = @_;
	my $until = time + $seconds;
	my $seen = 0;
	my @wrong;

	while (time < $until)
	{
		my $difference = $self->difference($symbol, $grouping);

		next if !defined $difference;
		$seen++;
		push @wrong, $difference if $difference ne '';
	}
	return (\@wrong, $seen);
}

=head2 $books->events($event)

How many of them there are.

=head2 $books->wait_event($event, $count, $name)

One test: there are at least so many.

=cut

sub events
{
	my ($self, $event) = @_;

	return $self->sql('SELECT count(*) FROM btse_stream_event WHERE event = ' . sql_text($event));
}

sub wait_event
{
	my ($self, $event, $count, $name) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;

	return $self->wait_sql("SELECT count(*) >= $count FROM btse_stream_event WHERE event = "
		  . sql_text($event), 't', $name);
}

1;
