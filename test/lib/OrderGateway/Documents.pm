package OrderGateway::Documents;

=encoding utf8

=head1 NAME

OrderGateway::Documents - README.md and docs/ in pieces, for the tests that hold them to their word

=head1 SYNOPSIS

  use OrderGateway::Documents;

  my $documents = OrderGateway::Documents->new;

  $node->safe_psql('erp', $documents->recipe('log-table'));
  is_deeply([ map { $_->[0] } $documents->table_rows($documents->chapter('docs/providers/xt.md')) ],
      [ ... ], 'its table');

  $documents->all_were_run;                      # at the end of the test

=head1 DESCRIPTION

A block of code that follows a line C<< <!-- recipe: NAME --> >>, or C<< <!--
recipe: NAME, FILE.sql --> >> if it is a part of an example, is run by a test as
it stands.  Several tests share the recipes: which one runs a recipe is
seen from the test's own text, in which its name stands.

=cut

use strict;
use warnings;
use utf8;

use Encode qw(decode_utf8);
use File::Basename qw(basename dirname);
use Test::More;

=head2 OrderGateway::Documents->new

Reads them, from C<OG_SOURCE_DIR> or from where the test is.

=cut

sub new
{
	my ($class) = @_;
	my $top = $ENV{OG_SOURCE_DIR} // dirname($0) . '/../..';
	my $self = bless {
		tests => [ glob "\"$top\"/test/t/*.pl \"$top\"/test/clients/*.pl" ],
		texts => { map { substr($_, 1 + length $top) => decode_utf8(_slurp($_)) }
			  glob "\"$top\"/*.md \"$top\"/docs/*.md \"$top\"/docs/*/*.md" },
		was_run => {},
	}, $class;

	$self->{blocks} = [ map { $self->_cut_blocks($_) } $self->files ];
	foreach my $block (grep { $_->{name} } $self->blocks)
	{
		die "$block->{file}: recipe \"$block->{name}\" is there twice"
		  if $self->{recipes}{ $block->{name} };
		$self->{recipes}{ $block->{name} } = $block->{text};
	}
	return $self;
}

=head2 $documents->files

Their names, relative to the top of the source tree.

=cut

sub files { return sort keys %{ $_[0]{texts} }; }

sub _slurp
{
	my ($file) = @_;

	open(my $fh, '<', $file) or die "could not read $file: $!";
	local $/;
	return scalar <$fh>;
}

sub _cut_blocks
{
	my ($self, $file) = @_;
	my (@blocks, $name, $block);

	foreach my $line (split /\n/, $self->{texts}{$file})
	{
		if ($block)
		{
			if ($line =~ /^\s*```$/)
			{
				push @blocks, $block;
				undef $block;
				next;
			}
			$line =~ s/^$block->{indent}//;
			$block->{text} .= "$line\n";
		}
		elsif ($line =~ /^\s*<!-- recipe: ([^\s,]+)(?:, \w+\.sql)? -->$/)
		{
			$name = $1;
		}
		elsif ($line =~ /^(\s*)```(\w*)$/)
		{
			$block = { file => $file, indent => $1, language => $2,
				name => $name, text => '' };
			undef $name;
		}
		elsif ($name)
		{
			die "$file: no block of code after recipe \"$name\"";
		}
	}
	return @blocks;
}

=head2 $documents->blocks

All blocks of code: hashes of C<file>, C<language>, C<text>, and C<name> of a recipe.

=cut

sub blocks { return @{ $_[0]{blocks} }; }

=head2 $documents->recipe($name)

The text of a recipe, which is then taken to have been run.

=cut

sub recipe
{
	my ($self, $name) = @_;

	$self->{was_run}{$name} = 1;
	return $self->{recipes}{$name} // die "no document has a recipe \"$name\"";
}

=head2 $documents->all_were_run(@excused)

Tests that every recipe which this test names was run, but for those that are
excused here, and that every recipe is named by some test.

=cut

sub all_were_run
{
	my ($self, @excused) = @_;
	my %where = map { $_ => _slurp($_) } @{ $self->{tests} };
	my %ours = map { $_ => 1 } @excused;
	my (@forgotten, @homeless);

	foreach my $name (sort keys %{ $self->{recipes} })
	{
		my @tests = map { basename($_) }
		  grep { $where{$_} =~ /\b(?:run_)?recipes?\b[^;]*?[\s'(]\Q$name\E[\s')]/ } sort keys %where;

		push @homeless, $name if !@tests;
		push @forgotten, $name
		  if !$ours{$name} && !$self->{was_run}{$name}
		  && grep { $_ eq basename($0) } @tests;
	}
	is("@homeless", '', 'every recipe has a test');
	is("@forgotten", '', 'every recipe of this test was run');
	return;
}

=head2 $documents->chapter($file, $heading)

The text of a document, or of a part of it: from the heading to the next of the
same level.

=cut

sub chapter
{
	my ($self, $file, $heading) = @_;
	my $text = $self->{texts}{$file} // die "no document \"$file\"";

	return $text if !defined $heading;
	my ($level) = $heading =~ /^(#+)/;

	$text =~ /^\Q$heading\E\n(.*?)(?=^#{1,${\length $level}} |\z)/ms
	  or die "$file: no chapter \"$heading\"";
	return $1;
}

=head2 $documents->table_rows($text)

The rows of all tables in some text: arrays of cells, without the heads.

=cut

sub table_rows
{
	my ($self, $text) = @_;
	my (@rows, $in_body);

	foreach my $line (split /\n/, $text)
	{
		$in_body = $line =~ /^\|[-|]+\|$/ ? 1 : $line =~ /^\|/ ? $in_body : 0;
		next if !$in_body || $line =~ /^\|[-|]+\|$/;
		my @cells = split /\|/, $line;
		shift @cells;
		s/^\s+|\s+$//g foreach @cells;
		push @rows, \@cells;
	}
	return @rows;
}

=head2 $documents->quoted($text)

What stands in backquotes.

=cut

sub quoted
{
	my ($self, $text) = @_;

	return $text =~ /`([^`]+)`/g;
}

1;
