<?php
$event = json_decode(stream_get_contents(STDIN));
$mail = json_decode($event->data);
if (!isset($mail->sender, $mail->message) || $mail->sender === 'bot') exit; // another program wrote it, or the bot
$answer = ['sender' => 'bot', 'receiver' => $mail->sender, 'message' => $mail->message, 'key' => "echo-$event->id"];
echo json_encode($answer);
