<?php
// Appends a message to a mailbox: php write.php mailboxes/henry.txt 'hello'
// Without a text, it appends each line of its input, and prints the line once it is in the file.
function append($file, $text) {
    $lines = preg_replace('/^/', 'data: ', preg_split('/\r\n|\r|\n/', $text));
    $event = implode("\n", $lines) . "\n";
    if (strlen($event) > 1024 * 1024) exit_with('A message may be 1 MiB long.');
    $written = file_put_contents($file, "\n\n$event\n", FILE_APPEND | LOCK_EX);
    if ($written !== strlen($event) + 3) exit_with('The message was not written, or only a part of it: the disk may be full.');
}

function exit_with($why) {
    fwrite(STDERR, "$why\n");
    exit(1);
}

if (isset($argv[2])) {
    append($argv[1], $argv[2]);
} else {
    while (($line = fgets(STDIN)) !== false) {
        append($argv[1], rtrim($line, "\r\n"));
        echo $line;
    }
}
