<?php
// Writes to a mailbox as the 2012 prototype did: it appends to the file.
$mailbox = (getenv('MAILBOX_DIR') ?: __DIR__ . '/mailboxes') . '/henry.txt';

if ($_SERVER['REQUEST_METHOD'] === 'POST') {
    // With all five fields this is a message from jjeong. With fewer, henry's pages show the JSON as it is.
    $message = [
        'sender' => 'jjeong',
        'receiver' => 'henry',
        'message' => $_POST['message'],
        'time' => (new DateTime('now', new DateTimeZone('UTC')))->format('Y-m-d\TH:i:s.v\Z'),
        'key' => bin2hex(random_bytes(16)),
    ];
    $data = json_encode($message, JSON_UNESCAPED_UNICODE | JSON_THROW_ON_ERROR);
    file_put_contents($mailbox, "\n\ndata: $data\n\n", FILE_APPEND | LOCK_EX);
    header('Location: ' . $_SERVER['REQUEST_URI'], true, 303);
    exit;
}
?>
<!doctype html>
<title>To henry</title>
<form method="post">
  <input name="message" aria-label="Message to henry" required>
  <button>Send</button>
</form>
