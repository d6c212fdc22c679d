// The page's own words in English and Simplified Chinese; what bots write is never translated.

const WORDS = {
  title: ["Sandbox", "沙盒"],
  subtitle: ["A local Telegram", "本地 Telegram"],
  phones: ["Phones", "手机"],
  open_phone: ["Open {name}", "打开{name}"],
  close_phone: ["Close {name}", "关闭{name}"],
  unread: ["{n} unread", "{n} 条未读"],
  stars: ["{n} Stars", "{n} 星星"],
  no_bot: ["No bot here yet. Waiting for one to start…", "还没有机器人，正在等待启动…"],
  unreachable: ["The sandbox does not answer. Trying again…", "沙盒没有响应，正在重试…"],
  bot: ["bot", "机器人"],
  bots: ["Bots", "机器人"],
  group: ["group", "群组"],
  new_group: ["New group with {bot}", "与 {bot} 新建群组"],
  group_of: ["Group of {name}", "{name}的群组"],
  add_person: ["Add {name}", "添加{name}"],
  leave_group: ["Leave group", "退出群组"],
  copy_number: ["Copy the group’s number", "复制群组编号"],
  typing: ["typing…", "正在输入…"],
  upload_document: ["sending a file…", "正在发送文件…"],
  upload_photo: ["sending a photo…", "正在发送图片…"],
  upload_video: ["sending a video…", "正在发送视频…"],
  other_action: ["busy…", "处理中…"],
  connecting: ["Connecting…", "正在连接…"],
  messages_with: ["Messages with {name}", "与 {name} 的消息"],
  today: ["Today", "今天"],
  yesterday: ["Yesterday", "昨天"],
  edited: ["edited", "已编辑"],
  start: ["START", "开始"],
  unblock: ["Unblock", "解除屏蔽"],
  blocked_note: ["You blocked this bot", "你已屏蔽此机器人"],
  what_can: ["What can this bot do?", "这个机器人能做什么？"],
  empty: ["No messages here yet", "暂无消息"],
  message: ["Message", "输入消息"],
  send: ["Send", "发送"],
  commands: ["Commands", "命令"],
  no_commands: ["This bot has no commands", "此机器人没有命令"],
  attach: ["Attach a file", "添加附件"],
  show_keyboard: ["Show keyboard", "显示键盘"],
  hide_keyboard: ["Hide keyboard", "收起键盘"],
  cannot_share: ["The sandbox cannot share that", "沙盒无法分享该内容"],
  more: ["More about this chat", "更多"],
  language: ["Person’s language", "用户语言"],
  top_up: ["Add 1,000 Stars", "增加 1,000 星星"],
  block: ["Block bot", "屏蔽机器人"],
  clear: ["Clear chat", "清空聊天"],
  clear_sure: ["Clear this chat on this phone?", "清空此手机上的聊天记录？"],
  copy_link: ["Copy link to this chat", "复制聊天链接"],
  cancel: ["Cancel", "取消"],
  ok: ["OK", "好"],
  close: ["Close", "关闭"],
  open: ["Open", "打开"],
  download: ["Download", "下载"],
  copied: ["Copied", "已复制"],
  not_copied: ["The browser did not allow copying", "浏览器不允许复制"],
  copy: ["Copy", "复制"],
  copy_text: ["Copy text", "复制文字"],
  reply: ["Reply", "回复"],
  reply_to: ["Reply to {name}", "回复 {name}"],
  cancel_reply: ["Cancel reply", "取消回复"],
  hidden_text: ["Hidden text, press to show", "隐藏文字，点击显示"],
  expand: ["Show more", "展开"],
  collapse: ["Show less", "收起"],
  photo: ["Photo", "图片"],
  file: ["File", "文件"],
  you: ["You", "你"],
  via: ["via @{bot}", "来自 @{bot}"],
  forwarded: ["Forwarded", "转发的消息"],
  unsupported: ["The sandbox does not draw this kind of message", "沙盒不支持显示此类消息"],
  paid_note: ["You paid {price} for {title}", "你已支付 {price}：{title}"],
  refunded_note: ["{price} was returned to you", "已退还 {price}"],
  pay: ["Pay {price}", "支付 {price}"],
  invoice: ["Invoice", "账单"],
  total: ["Total", "合计"],
  balance: ["Your balance", "你的余额"],
  paying: ["Paying…", "支付中…"],
  paid: ["Paid", "支付成功"],
  pay_failed: ["Payment did not go through", "支付未成功"],
  no_answer: ["The bot did not answer", "机器人没有响应"],
  open_link: ["Open this link?", "打开此链接？"],
  bad_link: ["This link cannot be opened here", "无法在此打开该链接"],
  unknown_bot: ["@{bot} is not in this sandbox", "沙盒里没有 @{bot}"],
  send_as: ["Send a file", "发送文件"],
  as_document: ["As a file", "作为文件"],
  as_photo: ["As a photo", "作为图片"],
  caption: ["Caption", "说明"],
  drop_here: ["Drop a file to send it", "拖放文件以发送"],
  sending: ["Sending {name}", "正在发送 {name}"],
  too_long: ["Shown in part; download it to see all", "仅显示部分内容，请下载查看全部"],
  loading: ["Loading…", "加载中…"],
  newer: ["Jump to the newest message", "跳到最新消息"],
  inline_results: ["Results of @{bot}", "@{bot} 的结果"],
  share_to: ["Send to…", "发送给…"],
  nothing_found: ["Nothing found", "没有结果"],
  theme_auto: ["Theme: as the system", "主题：跟随系统"],
  theme_light: ["Theme: light", "主题：浅色"],
  theme_dark: ["Theme: dark", "主题：深色"],
  page_language: ["Language of this page: English", "页面语言：中文"],
  faults: ["Faults", "故障"],
  faults_on: ["{n} faults on", "{n} 项故障开启"],
  faults_note: ["What the bot meets when it calls Telegram.", "机器人调用 Telegram 时会遇到的情况。"],
  slow: ["Slow answers", "响应缓慢"],
  none: ["Off", "关"],
  too_many: ["429 Too Many Requests", "429 请求过多"],
  retry_after: ["Retry after, seconds", "重试间隔（秒）"],
  server_errors: ["502 server errors", "502 服务器错误"],
  drop: ["Cut the line after carrying out", "执行后断开连接"],
  next_calls: ["next calls", "次调用"],
  offline: ["Offline", "离线"],
  duplicate: ["Deliver updates twice", "重复推送更新"],
  blocked_by: ["Blocked by {name}", "被 {name} 屏蔽"],
  crash: ["Crash the bot", "使机器人崩溃"],
  crashed: ["The bot was killed", "机器人已被终止"],
  cannot_crash: ["Nobody here can crash the bot", "当前环境无法终止机器人"],
  all_off: ["Switch all off", "全部关闭"],
  fewer: ["Fewer", "减少"],
  more_of: ["More", "增加"],
};

const stored = localStorage.getItem("sandbox.words");
let column = stored ? Number(stored) : navigator.language.toLowerCase().startsWith("zh") ? 1 : 0;

export const locale = () => (column === 1 ? "zh-CN" : "en-GB");

/** The sentence for `key` with its {placeholders} filled. */
export function t(key, facts = {}) {
  const words = WORDS[key]?.[column] ?? key;
  return words.replace(/\{(\w+)\}/g, (whole, name) => (name in facts ? String(facts[name]) : whole));
}

export const hasWord = (key) => key in WORDS;

/** Turns the page to its other language. */
export function turnLanguage() {
  column = 1 - column;
  localStorage.setItem("sandbox.words", String(column));
}

export const number = (value) => new Intl.NumberFormat(locale()).format(value);

export const clock = (seconds) => new Intl.DateTimeFormat(locale(), { hour: "2-digit", minute: "2-digit" }).format(new Date(seconds * 1000));

/** The day of a message in words: today, yesterday, or the date. */
export function day(seconds) {
  const then = new Date(seconds * 1000);
  const midnight = new Date().setHours(0, 0, 0, 0);
  const days = Math.round((midnight - new Date(then).setHours(0, 0, 0, 0)) / 86_400_000);
  if (days === 0) return t("today");
  if (days === 1) return t("yesterday");
  const sameYear = then.getFullYear() === new Date().getFullYear();
  return new Intl.DateTimeFormat(locale(), { day: "numeric", month: "long", year: sameYear ? undefined : "numeric" }).format(then);
}

export function bytes(size) {
  if (size === undefined) return "";
  const units = ["B", "KB", "MB"];
  const step = size < 1024 ? 0 : size < 1024 * 1024 ? 1 : 2;
  return `${new Intl.NumberFormat(locale(), { maximumFractionDigits: step === 0 ? 0 : 1 }).format(size / 1024 ** step)} ${units[step]}`;
}

/** A price of an invoice: whole Stars, or minor units of a currency. */
export function price(amount, currency) {
  if (currency === "XTR") return `⭐ ${number(amount)}`;
  const format = new Intl.NumberFormat(locale(), { style: "currency", currency });
  return format.format(amount / 10 ** format.resolvedOptions().maximumFractionDigits);
}
