#!/usr/bin/perl
#
# Writes what follows from the files *_fields.def, in which each field stands
# once: row types and their comments in the install script, and the tables of
# columns in the documents. C includes those files as they are.
#
#	src/generate.pl [TOP-DIRECTORY]			"make generate": write
#	src/generate.pl --check [TOP-DIRECTORY]	say what is not as it would be
#											written, and exit with 1
#
# What a line of such a file says: src/provider/fields.h. What is generated
# stands between marks, and is committed, so that nothing but a change of a
# field needs this program. A mark says what is between it and the next one:
#
#	-- generated: types						in SQL: all row types, comments and all
#	-- generated: columns of X				in SQL: X as OUT parameters of a function
#	-- generated: columns of X, COLUMN TYPE	in SQL: but this column of that type
#	-- generated: comments of X				in SQL: comments on a view
#	-- end of generated
#	<!-- generated: type X -->				in a document: heading and table
#	<!-- generated: columns of X -->		in a document: the table
#	<!-- end of generated -->
#
# The install script is the one of the version that the control file names:
# older ones are released, and stay as they are.

use strict;
use warnings;
use File::Basename qw(dirname);
use File::Find qw(find);

my $checks = @ARGV && $ARGV[0] eq '--check' && shift @ARGV;
my $top = @ARGV ? shift @ARGV : dirname(__FILE__) . '/..';

# The SQL type of each OgColumnType, as sql_record.c has it.
my %TYPE_OF = (
	TEXT => 'text', NUMERIC => 'numeric', INTEGER => 'int', BOOLEAN => 'boolean',
	TIME_MS => 'timestamptz', TIME_S => 'timestamptz', JSON_TEXT => 'json');

# What every record of a provider has.
my @RAW = ('raw', 'json', q{all of it: the provider's own bytes, whatever the other columns could not take});

# Words that name a column, but no parameter.
my %QUOTED = map { $_ => 1 } qw(bit boolean char exists float grouping int interval numeric
  position precision row time timestamp values);

# ----
# What is said of each field
# ----

my %codes;      # tables of codes: numbers, names and meanings
my $last_codes; # the last one
my @rows;       # row types, rows without one, and views, in their order
my %row_named;

my ($file, $line);      # what is being read
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
		$text =~ /\G([A-Z]+)\s*/gc && $words{$1} or complain('this says nothing of a field');
		my ($kinds, $do) = @{ $words{$1} };
		$do->(arguments(\$text, $kinds));
	}
	complain("$open without END") if $open;
	$rows[-1]{closed} = 1 if @rows;
}

# ----
# SQL
# ----

sub sql_text { return q{'} . $_[0] =~ s/'/''/gr . q{'}; }

sub sql_comments
{
	my ($row, $kind) = @_;

	return join '', "COMMENT ON $kind $row->{name} IS\n" . sql_text($row->{comment}) . ";\n",
	  map { "COMMENT ON COLUMN $row->{name}.$_->{name} IS " . sql_text($_->{comment}) . ";\n" }
	  @{ $row->{columns} };
}

sub sql_type
{
	my ($row) = @_;

	return "CREATE TYPE $row->{name} AS (\n"
	  . join(",\n", map { "\t$_->{name} $_->{type}" } @{ $row->{columns} })
	  . "\n);\n\n" . sql_comments($row, 'TYPE');
}

sub sql_parameters
{
	my ($row, $column, $type) = @_;

	return join(",\n", map {
		my $name = $QUOTED{ $_->{name} } ? qq{"$_->{name}"} : $_->{name};
		"\tOUT $name " . (defined $column && $column eq $_->{name} ? $type : $_->{type});
	} @{ $row->{columns} }) . "\n";
}

# ----
# Documents
# ----

# A text of SQL for Markdown: what looks like a name is shown as one, and what
# stands in backticks already as it is.
sub markdown
{
	my ($text) = @_;

	return join '', map {
		s/([|])/\\$1/g;
		if (!/^`/)
		{
			s/&/&amp;/g;
			s/</&lt;/g;
			s/\*/\\*/g;
			s/(?<![\w"])([A-Za-z0-9]\w*_\w+(?:\(\))?|[a-z]+[A-Z]\w*)/`$1`/g;
		}
		$_;
	} split /(`[^`]*`)/, $text;
}

sub document_columns
{
	my ($row) = @_;

	return join '', "\n| column | type | what it is |\n|---|---|---|\n", map {
		my $type = $_->{type} eq 'anycompatible' ? 'that of the array' : "`$_->{type}`";
		"| `$_->{name}` | $type | " . markdown($_->{comment}) . " |\n";
	} @{ $row->{columns} };
}

# What stands behind a semicolon is too much for a heading.
sub document_type
{
	my ($row) = @_;
	my ($what, $more) = split /; /, $row->{comment}, 2;

	return "\n### `$row->{name}`, " . markdown($what) . "\n"
	  . (defined $more ? "\n" . markdown(ucfirst $more) . ".\n" : '') . document_columns($row);
}

# ----
# Between the marks
# ----

my %shown;      # what is shown in SQL, and in documents

# What belongs under a mark.
sub generated
{
	my ($what, $in_sql) = @_;
	my ($how, $name, $column, $type) = $what =~ /^(type|columns of|comments of) (\w+)(?:, (\w+) (\w+))?$/;

	if ($in_sql && $what eq 'types')
	{
		my @types = grep { $_->{kind} eq 'TYPE' } @rows;

		$shown{sql}{ $_->{name} } = 1 foreach @types;
		return join "\n", map { sql_type($_) } @types;
	}
	complain("nothing is generated for \"$what\"") if !defined $name;
	my $row = $row_named{$name} // complain("no *_fields.def has \"$name\"");
	complain("\"$name\" has no \"$column\"")
	  if defined $column && !grep { $_->{name} eq $column } @{ $row->{columns} };
	$shown{ $in_sql ? 'sql' : 'documents' }{$name} = 1;
	return sql_parameters($row, $column, $type) if $in_sql && $how eq 'columns of';
	return sql_comments($row, 'VIEW') if $in_sql && $how eq 'comments of';
	return document_columns($row) if !$in_sql && $how eq 'columns of' && !defined $column;
	return document_type($row) if !$in_sql && $how eq 'type' && !defined $column;
	complain("\"$what\" is not for this file");
}

# A file as it should be, and what in it is not so.
sub regenerate
{
	($file) = @_;
	my $in_sql = $file =~ /\.sql$/;
	my ($text, $between, $what, $begun, @stale) = ('', '');

	$line = 0;
	foreach my $one (split /^/, slurp($file))
	{
		my ($mark) = $one =~ ($in_sql ? qr/^\s*-- (.*)$/ : qr/^<!-- (.*) -->$/);

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
			my $new = generated($what, $in_sql);

			$new .= "\n" if !$in_sql;
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

# A type of which nobody is told is a mistake.
sub check_all_are_shown
{
	foreach my $row (@rows)
	{
		$file = $row->{file};
		die "$file: no install script has $row->{name}\n" if !$shown{sql}{ $row->{name} };
		die "$file: no document shows $row->{name}: give it the lines\n"
		  . "<!-- generated: type $row->{name} -->\n<!-- end of generated -->\n"
		  if !$shown{documents}{ $row->{name} };
	}
}

sub put
{
	my ($name, $text) = @_;

	open my $out, '>:raw', "$top/$name.new" or die "could not write $name: $!\n";
	print $out $text;
	close $out or die "could not write $name: $!\n";
	chmod((stat "$top/$name")[2] & 07777, "$top/$name.new");
	rename "$top/$name.new", "$top/$name" or die "could not write $name: $!\n";
}

my @files;
find({ no_chdir => 1, wanted => sub { push @files, substr $_, length "$top/" if /_fields\.def$/ } }, "$top/src");
die "no *_fields.def in $top/src\n" if !@files;
read_fields($_) foreach sort @files;

my ($version) = slurp('order_gateway.control') =~ /^default_version\s*=\s*'([^']+)'/m
  or die "order_gateway.control has no default_version\n";
my (%text_of, @stale);
foreach my $name ("sql/order_gateway--$version.sql", map { substr $_, length "$top/" }
	sort glob "\"$top\"/README.md \"$top\"/docs/*.md \"$top\"/docs/*/*.md")
{
	($text_of{$name}, my @found) = regenerate($name);
	push @stale, @found;
}
check_all_are_shown();

if ($checks && @stale)
{
	print "$_: not what the fields say\n" foreach @stale;
	print "run \"make generate\", and commit what it writes\n";
	exit 1;
}
foreach my $name ($checks ? () : sort keys %text_of)
{
	next if slurp($name) eq $text_of{$name};
	put($name, $text_of{$name});
	print "wrote $name\n";
}
