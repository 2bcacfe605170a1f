# A release takes no notice of somebody who went around the record meanwhile.
set(header ring)
set(find [[      if (exchange_last(p, head, word::free(head.lap()))) {
        return true;
      }]])
set(put [[      (void)exchange_last(p, head, word::free(head.lap()));
      return true;]])
