<?php
// Prints each message for henry as it comes.
// HTTP/1.0: by HTTP/1.1 a stream comes in chunks, and fgets returns nothing until PHP has 8,192 bytes.
$http = ['protocol_version' => 1.0, 'header' => 'Accept: application/x-ndjson', 'timeout' => 60];
$chat = getenv('CHAT') ?: 'http://localhost:2012';
$lines = fopen("$chat/status?receiver=henry", 'r', false, stream_context_create(['http' => $http]));
while ($lines !== false && ($line = fgets($lines)) !== false) {
    $event = json_decode($line, true);
    if ($event['type'] === 'message') {
        echo $event['data'], "\n";
    }
}
