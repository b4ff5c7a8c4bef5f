<?php
// Prints the events of a mailbox, each once: php listen.php 'http://localhost:2012/status?receiver=henry&since=waiting'
// A second argument is how many seconds to wait before it connects again.
// HTTP/1.0, because PHP buffers a chunked HTTP/1.1 stream: fgets would return nothing until there are 8,192 bytes.
$cursor = null;
while (true) {
    $headers = ['Accept: application/x-ndjson', ...($cursor === null ? [] : ["Last-Event-ID: $cursor"])];
    $http = ['protocol_version' => 1.0, 'header' => $headers, 'timeout' => 60];
    $lines = @fopen($argv[1], 'r', false, stream_context_create(['http' => $http]));
    // A line without its end was cut off: it comes again.
    while ($lines !== false && str_ends_with($line = (string) fgets($lines), "\n")) {
        $cursor = json_decode($line, true)['id'] ?? $cursor;
        echo $line;
    }
    usleep((int) (($argv[2] ?? 2) * 1_000_000));
}
