<?php
// Prints the mail in a mailbox: php read.php henry 0-0 < mailboxes/henry.txt (0-0: the id that the file begins after)
const OWN = '(?:0|[1-9]\d{0,14})-(?:0|[1-9]\d{0,9})', N = '(?:\.[1-9]\d{0,14})?';
const OURS = 'id: (' . OWN . ')\n(?:event: [\w.-]{1,64}\n)?data: {"sender":"[^"\\\\\n]*","receiver":"([^"\\\\\n]*)(?=")(?:.*[^\\\\\n])?(?:\\\\\\\\)*"}';
const LATE = ': late ' . OWN . N . ' \d{1,15}-\d{1,15}\nid: (' . OWN . ')\n[\s\S]*\n: whole';
const FENCED = '/^: after (' . OWN . ')\n(?:(?:' . OURS . '|: end (' . OWN . N . ')(?: \d{1,15})?|' . LATE . ')\n$)?/D';
const TYPE = '/^(?!(?:message|open|error|gap|presence|typing|sent|delivered|read|bye|ready|ping)$)[\w.-]{1,64}$/D';

function numbers($id) { return array_pad(array_map('intval', preg_split('/[.-]/', $id)), 3, 0); }

function values_of($name, $text) {
    preg_match_all("/(?:^(?:\xef\xbb\xbf)?|\n)\\0*$name(?:: ?(.*)|(?=\n))/", $text, $matches);
    return $matches[1];
}

[, $mailbox, $start] = $argv + [2 => '0-0'];
[$own, $last, $wrong] = [strtok($start, '.'), $start, ''];
$blocks = preg_split('/(?:^|(?<=\n)|(?<=\r)(?!\n))[\r\n]+/', stream_get_contents(STDIN));
foreach (array_slice($blocks, 0, -1) as $block) {
    $text = preg_replace('/\r\n?/', "\n", $block);
    preg_match(FENCED, $text, $match);
    [, $fence, $message, $receiver, $end, $late] = $match + array_fill(0, 6, '');
    [$id, $data, $types] = [$message ?: $end ?: $late, values_of('data', $text), values_of('event', $text)];
    $isVoid = strlen($block) > ($late ? 2 : 1) * 2 ** 20 || preg_match('/(^|\n): torn\n$/D', $text) || ($fence && !$id);
    $isVoid = $isVoid || (!$end && !$data);
    $isAbove = $id && (numbers($id) > numbers($last) || ($end && $id === $last));
    $isNext = $isAbove && $fence === $own && $fence !== $wrong && (int) $id <= max(10 ** 13, (int) $own + 1);
    $isCopy = $message && (numbers($fence) < numbers(strtok($start, '.')) || $receiver !== $mailbox);
    $wrong = $isVoid || !$fence || $isNext || $isCopy ? '' : $id;
    if ($isVoid || $wrong) continue;
    if ($end) break;
    $last = $isNext ? ($own = $id) : $own . '.' . (numbers($last)[2] + 1);
    $type = preg_match(TYPE, end($types) ?: '') ? ['type' => end($types)] : [];
    echo json_encode(['id' => $last] + $type + ['data' => implode("\n", $data)], JSON_INVALID_UTF8_SUBSTITUTE), "\n";
}
