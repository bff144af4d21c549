# What the files *_fields.def say of each field, for src/generate.pl and
# src/document.pl: what a line of them says stands in src/provider/fields.h.
#
#	our $top = ...;				the source tree
#	require './fields.pl';
#	read_all_fields();			dies with file and line of what makes no sense
#
# Then @rows has the row types, rows without one, and views, in their order, each
# with its kind (TYPE, ROW, VIEW), name, comment, file and columns (name, type,
# comment); %row_named the same by name; and argument_meaning() tells what an
# argument of a function is.

use strict;
use warnings;
use File::Find qw(find);

our $top;       # the source tree
our @rows;      # row types, rows without one, and views, in their order
our %row_named;
our ($file, $line);     # what is being read

# The SQL type of each OgColumnType, as sql_record.c has it.
my %TYPE_OF = (
	TEXT => 'text', NUMERIC => 'numeric', INTEGER => 'int', BOOLEAN => 'boolean',
	TIME_MS => 'timestamptz', TIME_S => 'timestamptz', JSON_TEXT => 'json');

# What every record of a provider has.
my @RAW = ('raw', 'json', q{all of it: the provider's own bytes, whatever the other columns could not take});

my %codes;      # tables of codes: numbers, names and meanings
my $last_codes; # the last one
my %arguments;  # what arguments mean: of all functions, and of some
my $table;              # the table of columns that is open: its columns by name ...
my $members;            # ... the members that they have ...
my $number;             # ... and whether the last one is a number
my $open;               # CODES or TABLE that has no END yet
my %ours;               # columns of ours in this file, by name, as said last

sub complain
{
	my ($what, $at) = @_;

	die "$file:" . ($at // $line) . ": $what\n";
}

# A table of codes in words: all of it, or the names.
sub codes_in_words
{
	my ($only_names, $name) = @_;
	my $codes = $codes{$name} // complain("no CODES are called \"$name\" above");
	my @names = map { $_->[1] } @$codes;

	return join ', ', map { "$_->[0] $_->[2]" } @$codes if !$only_names;
	@names = map { "`$_`" } @names if $rows[-1]{kind} eq 'ROW';
	return join ' or ', grep { $_ ne '' } join(', ', @names[ 0 .. $#names - 1 ]), $names[-1];
}

sub add_column
{
	my ($name, $type, $comment) = @_;

	complain("no TYPE, ROW or VIEW has \"$name\"") if !@rows || $rows[-1]{closed};
	complain("\"$name\" says nothing") if $comment !~ /\S/;
	complain("a comment in SQL has no backticks") if $rows[-1]{kind} ne 'ROW' && $comment =~ /`/;
	$comment =~ s/\{(names of )?(\w+)\}/codes_in_words($1, $2)/ge;
	complain("\"$name\" is there twice") if grep { $_->{name} eq $name } @{ $rows[-1]{columns} };
	push @{ $rows[-1]{columns} }, { name => $name, type => $type, comment => $comment };
	return $rows[-1]{columns}[-1];
}

# A column of the table that is open.
sub add_to_table
{
	my ($name, $kind, @found_in) = @_;

	complain("\"$name\" is in no TABLE") if !$table;
	complain("\"$name\" is in the table twice: use AGAIN") if $table->{$name};
	complain("OG_$kind is no type of a column") if !$TYPE_OF{$kind};
	complain("\"$found_in[0]\" is another column's") if @found_in && $members->{ $found_in[0] }++;
	$table->{$name} = { type => $TYPE_OF{$kind} };
	$number = $kind eq 'INTEGER';
	return $TYPE_OF{$kind};
}

sub begin_table
{
	complain("$open without END") if $open;
	$open = $_[0];
	$rows[-1]{closed} = 1 if @rows;
	return;
}

sub begin_row
{
	my ($kind, $name, $comment) = @_;

	complain("\"$name\" is there twice") if $row_named{$name};
	push @rows, $row_named{$name} =
	  { kind => $kind, name => $name, comment => $comment, columns => [], file => $file };
}

sub add_argument
{
	my ($function, $name, $comment) = @_;

	complain("\"$name\" says nothing") if $comment !~ /\S/;
	complain("\"$name\" is there twice") if $arguments{$function}{$name};
	$arguments{$function}{$name} = { comment => $comment, at => "$file:$line" };
	return;
}

# What each word does, and its arguments: names, texts, and lists of texts.
my %words = (
	CODES => [ 'n', sub { begin_table('CODES'); $last_codes = $codes{ $_[0] } = []; } ],
	CODE => [ 'nnt', sub {
		complain('CODE without CODES') if ($open // '') ne 'CODES';
		push @$last_codes, [@_];
	} ],
	TABLE => [ 'n', sub { begin_table('TABLE'); ($table, $members, $number) = ({}, {}, 0); } ],
	TYPE => [ 'nt', sub { begin_row('TYPE', @_); } ],
	ROW => [ 'nt', sub { begin_row('ROW', @_); } ],
	VIEW => [ 'nt', sub { begin_row('VIEW', @_); } ],
	FIELD => [ 'nntt', sub { add_column($_[0], add_to_table(@_[ 0 .. 2 ]), $_[3]); } ],
	RENAMED => [ 'nnlt', sub { add_column($_[0], add_to_table($_[0], $_[1], @{ $_[2] }), $_[3]); } ],
	PLACE => [ 'nnt', sub { add_column($_[0], add_to_table(@_[ 0, 1 ]), $_[2]); } ],
	NAME => [ 'nnt', sub {
		complain("no CODES are called \"$_[1]\" above") if !$codes{ $_[1] };
		complain("\"$_[0]\" does not follow a number") if !$table || !$number;
		add_column($_[0], add_to_table($_[0], 'TEXT'), $_[2]);
	} ],
	HIDDEN => [ 'nnt', sub { add_to_table(@_); } ],
	OURS => [ 'nnt', sub { $ours{ $_[0] } = add_column(@_); } ],
	AGAIN => [ 'nt?', sub {
		my $shared = ($table // {})->{ $_[0] };
		my $above = $shared // $ours{ $_[0] } // complain("there is no \"$_[0]\" above");
		my $column = add_column($_[0], $above->{type}, $_[1] // $above->{comment} // '');

		$ours{ $_[0] } = $column if !$shared;
	} ],
	RAW => [ '', sub { add_column(@RAW); } ],
	ARGUMENT => [ 'nt', sub { add_argument('', @_); } ],
	ARGUMENT_OF => [ 'nnt', sub { add_argument(@_); } ],
	END => [ '', sub {
		complain('END of nothing') if !$open;
		$rows[-1]{closed} = 1 if $table && @rows;
		undef $_ foreach $open, $table, $members;
	} ],
);

# The next argument, which must be of that kind.
sub argument
{
	my ($text, $kind) = @_;

	if ($kind eq 'n')
	{
		return $$text =~ /\G(-?\w+(?:\[\])?)\s*/gc ? $1 : complain('a name is expected');
	}
	if ($kind eq 'l')
	{
		my @list;

		$$text =~ /\G\(\s*/gc or complain('a list of names is expected');
		do { push @list, argument($text, 't'); } while $$text =~ /\G,\s*/gc;
		$$text =~ /\G\)\s*/gc or complain('the list of names has no end');
		return \@list;
	}
	my @parts;
	push @parts, $1 =~ s/\\(.)/$1/gr while $$text =~ /\G"((?:[^"\\\n]|\\["\\])*)"\s*/gc;
	return @parts ? join '', @parts : complain('a text in double quotes is expected');
}

sub arguments
{
	my ($text, $kinds) = @_;
	my @arguments;

	return if $kinds eq '';
	$$text =~ /\G\(\s*/gc or complain('arguments are expected');
	foreach my $kind ($kinds =~ /\w\??/g)
	{
		last if $kind =~ /\?$/ && $$text =~ /\G(?=\))/gc;
		@arguments == 0 || $$text =~ /\G,\s*/gc or complain('a comma is expected');
		push @arguments, argument($text, substr $kind, 0, 1);
	}
	$$text =~ /\G\)\s*/gc or complain('the arguments have no end');
	return @arguments;
}

sub slurp
{
	my ($name) = @_;

	open my $in, '<:raw', "$top/$name" or die "could not read $name: $!\n";
	local $/;
	return scalar <$in>;
}

sub read_fields
{
	($file) = @_;
	my $text = slurp($file);

	%ours = ();
	$text =~ s{/\*.*?\*/}{ $& =~ s/[^\n]//gr }gse;
	$text =~ /\G\s*/gc;
	while (pos $text < length $text)
	{
		$line = 1 + (substr($text, 0, pos $text) =~ tr/\n//);
		$text =~ /\G([A-Z_]+)\s*/gc && $words{$1} or complain('this says nothing of a field');
		my ($kinds, $do) = @{ $words{$1} };
		$do->(arguments(\$text, $kinds));
	}
	complain("$open without END") if $open;
	$rows[-1]{closed} = 1 if @rows;
}

sub read_all_fields
{
	my @files;

	find({ no_chdir => 1, wanted => sub { push @files, substr $_, length "$top/" if /_fields\.def$/ } },
		"$top/src");
	die "no *_fields.def in $top/src\n" if !@files;
	read_fields($_) foreach sort @files;
}

# What an argument of a function is, as said of that function or of all. That it
# was asked for is remembered.
sub argument_meaning
{
	my ($function, $name) = @_;
	my $said = $arguments{$function}{$name} // $arguments{''}{$name} // return;

	$said->{asked} = 1;
	return $said->{comment};
}

# The places of what is said of arguments that nobody asked for.
sub unasked_arguments
{
	return sort map { $_->{at} } grep { !$_->{asked} } map { values %$_ } values %arguments;
}

# Write a file anew, as a whole or not at all.
sub put
{
	my ($name, $text) = @_;

	open my $out, '>:raw', "$top/$name.new" or die "could not write $name: $!\n";
	print $out $text;
	close $out or die "could not write $name: $!\n";
	chmod((stat "$top/$name")[2] & 07777, "$top/$name.new") if -e "$top/$name";
	rename "$top/$name.new", "$top/$name" or die "could not write $name: $!\n";
}

# Replace what stands between marks: "generated: WHAT" and "end of generated",
# each on a line that the pattern finds. Returns the file as it should be, and
# what in it is not so.
sub regenerate
{
	my ($name, $mark_of, $generated) = @_;
	my ($text, $between, $what, $begun, @stale) = ('', '');

	($file, $line) = ($name, 0);
	foreach my $one (split /^/, slurp($file))
	{
		my ($mark) = $one =~ $mark_of;

		$line++;
		if (defined $mark && $mark =~ /^generated: (.*)$/)
		{
			complain('the one above has no end') if defined $what;
			($what, $begun, $between) = ($1, $line, '');
			$text .= $one;
		}
		elsif (defined $mark && $mark eq 'end of generated')
		{
			complain('nothing begins above') if !defined $what;
			my $new = $generated->($what);

			push @stale, "$file:$begun: $what" if $between ne $new;
			$text .= $new . $one;
			undef $what;
		}
		elsif (defined $what) { $between .= $one; }
		else { $text .= $one; }
	}
	complain("\"generated: $what\" has no end", $begun) if defined $what;
	return ($text, @stale);
}

1;
