<?php
// Prints each message for henry as it arrives.
// HTTP/1.0, because PHP buffers a chunked HTTP/1.1 stream: fgets would return nothing until there are 8,192 bytes.
$http = ['protocol_version' => 1.0, 'header' => 'Accept: application/x-ndjson', 'timeout' => 60];
$chat = getenv('CHAT') ?: 'http://localhost:2012';
$lines = fopen("$chat/status?receiver=henry", 'r', false, stream_context_create(['http' => $http]));
while ($lines !== false && ($line = fgets($lines)) !== false) {
    $event = json_decode($line, true);
    if ($event['type'] === 'message') {
        echo $event['data'], "\n";
    }
}
